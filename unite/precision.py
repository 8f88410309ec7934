"""Full float32 for logits and scores, whatever the surroundings allow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Turns autocast and reduced-precision float32 products (TF32, bfloat16) off inside the block.

    Divided by a temperature of 0.03, a cosine rounded to bfloat16 moves in steps of about 0.1, and one through TF32 by about 0.01.
    """
    with torch.autocast(device.type, enabled=False), ExitStack() as put_back:
        backends: list[Any] = [torch.backends.cuda.matmul]
        if device.type != "cuda":
            onednn = cast(Any, torch.backends.mkldnn)
            backends = [getattr(onednn, name) for name in ("matmul", "conv") if hasattr(onednn, name)]
        if backends and all(hasattr(backend, "fp32_precision") for backend in backends):
            for backend in backends:
                put_back.callback(setattr, backend, "fp32_precision", backend.fp32_precision)
                backend.fp32_precision = "ieee"
        else:  # torch before 2.9 has one switch for all backends
            put_back.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("highest")
        yield
