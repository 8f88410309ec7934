"""Memory that one pass over a model frees, kept for the next one, on a CPU.

The GNU C library gives it back to the system, page by page to be filled with zeros again, which takes a fifth of the time of embedding and
of a small batch's step, unless a block as large was freed before (up to 32 MiB: `M_MMAP_THRESHOLD` in mallopt(3)).
"""

from __future__ import annotations

import torch

#: Bytes of such a block. It is never written to, so it takes no memory; what is kept is twice as much at most.
_BLOCK = 31 * 2**20


def keep_memory() -> None:
    """Has the process keep what it frees, from now on. Other C libraries and GPUs take no notice."""
    torch.empty(_BLOCK, dtype=torch.uint8)
