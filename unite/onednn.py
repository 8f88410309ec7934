"""float32 products on a CPU by oneDNN: for the layers of an encoder and for what is ranked, the same op.

torch takes oneMKL's there, which on processors of another maker than its own leaves half of their vector units unused: on an AMD EPYC with
AVX-512 a product of oneDNN's is twice as fast (`benchmarks.linear`, `benchmarks.ranking`). And oneDNN's sums alike wherever in a product a
row and a column stand, which oneMKL's does not. The op is the one that torch's own compiler puts in the place of `linear` on a CPU.
"""

from __future__ import annotations

import os
from typing import cast

import torch
from torch import Tensor

#: Products of which it is kept, in training, how to do them.
_PRODUCTS = 256


def keep_few_products() -> None:
    """Has oneDNN, and torch beside it, keep fewer of the products that they prepare, one for each new shape; before the first of them.

    They keep 1024 unless told otherwise (by these variables). Large batches that are trained on have new shapes all along, so that what is
    kept takes more memory than the step and saves little time; small ones come by with some 200 shapes, which are worth keeping. What is
    embedded has rows of few lengths, and gains by what is kept.
    """
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, str(_PRODUCTS))


def by_onednn(*tensors: Tensor) -> bool:
    """Whether `product` serves these: on a CPU, float32, not empty, without autocast."""
    return (
        all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 and tensor.numel() for tensor in tensors)
        and not torch.is_autocast_enabled("cpu")
        and _is_built_in()
    )


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str = "none") -> Tensor:
    """Returns (N, O), rows (N, I) times the transposed weight (O, I), plus the bias (O,). Without a graph.

    Args:
        activation: what is made of each sum while it is still in the processor, by oneDNN's name: `swish` is SiLU.
    """
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise(rows, weight, bias, activation, [], ""))


def sum_with_product(summand: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    """Returns (N, O), the summand (N, O) and the product of rows (N, I) and the transposed weight (O, I). Without a graph."""
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise.binary(rows, summand, weight, None, "add"))


def _is_built_in() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
