import pytest
import torch
from torch.nn import functional as F

from unite.precision import full_float32


def test_products_and_convolutions_are_full_float32_inside_and_after_it_what_they_were():
    onednn = torch.backends.mkldnn
    if not hasattr(onednn, "conv"):
        pytest.skip("torch before 2.9 has no switch for convolutions")
    one, other = (torch.randn(64, 512, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    exact = one.double() @ other.double().T
    before = onednn.conv.fp32_precision, onednn.matmul.fp32_precision
    try:
        onednn.conv.fp32_precision = onednn.matmul.fp32_precision = "bf16"
        with torch.autocast("cpu", dtype=torch.bfloat16), full_float32(one.device):
            product, convolution = one @ other.T, F.conv2d(one[:, :, None, None], other[:, :, None, None])[..., 0, 0]
        assert (onednn.conv.fp32_precision, onednn.matmul.fp32_precision) == ("bf16", "bf16")
    finally:
        onednn.conv.fp32_precision, onednn.matmul.fp32_precision = before
    for found in (product, convolution):
        torch.testing.assert_close(found.double(), exact, atol=1e-4, rtol=0)
