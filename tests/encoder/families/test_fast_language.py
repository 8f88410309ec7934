"""A faster pass is applied by class; that it gives the same is tested with each family (`test_families`). Of `shared.py` too."""

import pytest
import torch
from torch import nn

from tests.encoder.families.material import plain_model
from unite.encoder.families import family_of, fast_language
from unite.encoder.families.fast_language import Blocks, speed_up_language


class OtherRMSNorm(nn.Module):
    """Of a known name and another arithmetic: the weight is a deviation from one, as Gemma's is."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-0.5, 0.5, width))
        self.variance_epsilon = 1e-6

    def forward(self, hidden_states):
        return hidden_states * (hidden_states.pow(2).mean(-1, keepdim=True) + self.variance_epsilon).rsqrt() * (1 + self.weight)


def with_another_norm(folder):
    model = plain_model(folder).language_model.eval()
    model.layers[0].input_layernorm = OtherRMSNorm(model.config.hidden_size)
    return model


def classes_of(folder):
    return family_of(folder.name, str(folder)).language_classes


def test_a_foreign_norm_keeps_its_own_forward_pass(folder):
    plain, fast = with_another_norm(folder), with_another_norm(folder)
    assert speed_up_language(fast, classes_of(folder))
    ids = torch.randint(0, 200, (3, 7), generator=torch.Generator().manual_seed(0))
    last = torch.tensor([6, 3, 5])
    with torch.no_grad():
        expected = plain(input_ids=ids).last_hidden_state
        torch.testing.assert_close(fast(input_ids=ids).last_hidden_state, expected, rtol=1e-5, atol=1e-5)
        # The first content alone, the other two, cut to 6 tokens, as a second block.
        blocks = Blocks([(1, 7), (2, 6)], [last[:1], last[1:]])
        row = torch.cat([ids[0], ids[1:, :6].flatten()])[None]
        positions = torch.cat([torch.arange(7), torch.arange(6).repeat(2)]).expand(3, 1, -1)
        alone = fast(input_ids=row, position_ids=positions, blocks=blocks, use_cache=False).last_hidden_state
    torch.testing.assert_close(alone[0], expected[range(3), last], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("queries", [3, 4, 9])  # of 9 tokens, 4 of which all contents share
def test_without_gradients_a_content_may_be_asked_in_pieces(folder, queries, monkeypatch):
    monkeypatch.setattr(fast_language, "_QUERIES", queries)
    plain, fast = (plain_model(folder).language_model.eval() for _ in range(2))
    assert speed_up_language(fast, classes_of(folder))
    ids = torch.randint(0, 200, (3, 9), generator=torch.Generator().manual_seed(0))
    ids[:, :4] = ids[0, :4]
    last = torch.tensor([8, 5, 7])
    with torch.no_grad():
        expected = plain(input_ids=ids).last_hidden_state
        torch.testing.assert_close(fast(input_ids=ids).last_hidden_state, expected, rtol=1e-5, atol=1e-5)
        for shared in (0, 4):
            row = torch.cat([ids[0, :shared], ids[:, shared:].flatten()])[None]
            positions = torch.cat([torch.arange(shared), torch.arange(shared, 9).repeat(3)]).expand(3, 1, -1)
            blocks = Blocks([(3, 9 - shared)], [last - shared], shared)
            alone = fast(input_ids=row, position_ids=positions, blocks=blocks, use_cache=False).last_hidden_state
            torch.testing.assert_close(alone[0], expected[range(3), last], rtol=1e-5, atol=1e-5)


def test_a_last_layer_of_another_class_is_left_as_it_is(folder):
    model, classes = plain_model(folder).language_model.eval(), classes_of(folder)

    class Qwen2VLAttention(classes.attention):
        """A subclass may compute something else."""

        def forward(self, *args, **kwargs):
            attended, weights = super().forward(*args, **kwargs)
            return 2 * attended, weights

    model.layers[-1].self_attn.__class__ = Qwen2VLAttention
    ids = torch.randint(0, 200, (2, 5), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(input_ids=ids).last_hidden_state
        assert not speed_up_language(model, classes)
        torch.testing.assert_close(model(input_ids=ids).last_hidden_state, expected, rtol=1e-5, atol=1e-5)
