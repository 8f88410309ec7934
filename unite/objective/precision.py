"""Full float32 for logits, whatever the surroundings allow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Turns autocast and reduced-precision float32 products (TF32, bfloat16) off inside the block.

    Divided by a temperature of 0.03, a cosine rounded to bfloat16 moves in steps of about 0.1, and one through TF32 by about 0.01.
    """
    with torch.autocast(device.type, enabled=False):
        backend: Any = torch.backends.cuda.matmul if device.type == "cuda" else cast(Any, torch.backends.mkldnn).matmul
        if hasattr(backend, "fp32_precision"):
            before = backend.fp32_precision
            backend.fp32_precision = "ieee"
            try:
                yield
            finally:
                backend.fp32_precision = before
        else:  # torch before 2.9 has one switch for all backends
            overall = torch.get_float32_matmul_precision()
            torch.set_float32_matmul_precision("highest")
            try:
                yield
            finally:
                torch.set_float32_matmul_precision(overall)
