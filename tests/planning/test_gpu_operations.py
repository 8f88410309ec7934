"""Operations that a GPU has, on the meta device, against shapes and products by hand."""

import torch
from torch.nn import functional

from unite.planning.gpu_operations import as_on_a_gpu, operation_counter


def test_linear_layers_compute_in_autocasts_type_and_torch_is_as_before_afterwards():
    before = functional.linear, functional.scaled_dot_product_attention
    rows, weight = torch.zeros(5, 3, device="meta"), torch.zeros(7, 3, device="meta")
    with as_on_a_gpu(torch.bfloat16):
        assert functional.linear(rows, weight).dtype is torch.bfloat16
    assert (functional.linear, functional.scaled_dot_product_attention) == before
    assert functional.linear(rows, weight).dtype is torch.float32


def test_attention_counts_its_two_products_with_grouped_keys_and_with_a_mask():
    contents, heads, length, width = 2, 4, 8, 16
    query = torch.zeros(contents, heads, length, width, dtype=torch.bfloat16, device="meta")
    key = torch.zeros(contents, heads // 2, length, width, dtype=torch.bfloat16, device="meta")
    for mask in (None, torch.zeros(contents, 1, length, length, dtype=torch.bfloat16, device="meta")):
        with as_on_a_gpu(torch.bfloat16), operation_counter() as counter:
            out = functional.scaled_dot_product_attention(query, key, key, attn_mask=mask, enable_gqa=True)
        assert out.shape == query.shape
        assert counter.get_total_flops() == 2 * 2 * contents * heads * length * length * width
