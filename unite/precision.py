"""Full float32 for logits and scores, whatever the surroundings allow."""

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
    backend: Any = torch.backends.cuda.matmul if device.type == "cuda" else cast(Any, torch.backends.mkldnn).matmul
    has_own = hasattr(backend, "fp32_precision")  # torch before 2.9 has one switch for all backends
    before = backend.fp32_precision if has_own else torch.get_float32_matmul_precision()
    with torch.autocast(device.type, enabled=False):
        try:
            if has_own:
                backend.fp32_precision = "ieee"
            else:
                torch.set_float32_matmul_precision("highest")
            yield
        finally:
            if has_own:
                backend.fp32_precision = before
            else:
                torch.set_float32_matmul_precision(before)
