import re
import subprocess
import sys

import pytest
import torch

from unite.onednn import by_onednn, product, sum_with_product

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch is built without oneDNN")


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 6, 300), (7, 96, 10), (300, 512, 33)])
def test_a_product_is_that_of_float64(shape):
    num_rows, num_in, num_out = shape
    random = torch.Generator().manual_seed(0)
    rows, weight, bias = (torch.randn(*size, generator=random) for size in ((num_rows, num_in), (num_out, num_in), (num_out,)))
    expected = rows.double() @ weight.double().T
    torch.testing.assert_close(product(rows, weight).double(), expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(product(rows, weight, bias).double(), expected + bias, rtol=1e-5, atol=1e-4)
    summand = torch.randn(num_rows, num_out, generator=random)
    torch.testing.assert_close(sum_with_product(summand, rows, weight).double(), summand + expected, rtol=1e-5, atol=1e-4)
    activated = product(rows, weight, bias, activation="swish").double()
    torch.testing.assert_close(activated, torch.nn.functional.silu(expected + bias), rtol=1e-5, atol=1e-4)


def test_other_types_empty_tensors_and_autocast_are_left_to_torch():
    one = torch.ones(2, 6)
    assert by_onednn(one)
    assert not by_onednn(one.bfloat16()) and not by_onednn(one.double()) and not by_onednn(one, torch.empty(0, 6))
    with torch.autocast("cpu", torch.bfloat16):
        assert not by_onednn(one)


CREATED = """
import torch
from unite.onednn import keep_few_products, product
keep_few_products()
weight = torch.ones(5, 3)
for num_rows in range(1, 301):
    product(torch.ones(num_rows, 3), weight)
with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON_CREATION):
    product(torch.ones(300, 3), weight)
    product(torch.ones(1, 3), weight)
"""


def test_of_many_products_the_last_ones_are_kept():
    """By oneDNN's own log, in a process of its own: how many is read at the first product."""
    told = subprocess.run([sys.executable, "-c", CREATED], capture_output=True, text=True, timeout=120, check=True).stdout
    assert re.findall(r"create:(cache_\w+),cpu,inner_product", told) == ["cache_hit", "cache_miss"]
