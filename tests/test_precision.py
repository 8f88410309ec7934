import pytest
import torch

from unite.precision import full_float32


def test_products_are_full_float32_inside_and_after_it_what_they_were():
    matmul = torch.backends.mkldnn.matmul
    if not hasattr(matmul, "fp32_precision"):
        pytest.skip("torch before 2.9 has one switch for all backends")
    one, other = (torch.randn(64, 512, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    before = matmul.fp32_precision
    try:
        matmul.fp32_precision = "bf16"
        with torch.autocast("cpu", dtype=torch.bfloat16), full_float32(one.device):
            assert matmul.fp32_precision == "ieee"  # most processors do not round, whatever it says
            product = one @ other.T
        with pytest.raises(KeyError), full_float32(one.device):
            raise KeyError
        assert matmul.fp32_precision == "bf16"
    finally:
        matmul.fp32_precision = before
    torch.testing.assert_close(product.double(), one.double() @ other.double().T, atol=1e-4, rtol=0)
