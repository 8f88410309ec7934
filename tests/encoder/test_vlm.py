"""What is trained, and what is computed once."""

import pytest
import torch

from tests.encoder.material import CONTENTS, batch_of, loss_of, make, trained
from unite.encoder import vlm
from unite.encoder.features import KeptFeatures
from unite.errors import ConfigError


def test_embeddings_are_unit_vectors_in_float32(tiny_folder):
    for dtype in ("float32", "bfloat16"):
        encoder = make(tiny_folder, dtype=dtype)
        embeddings = encoder(batch_of(encoder))
        assert embeddings.dtype == torch.float32
        assert embeddings.shape == (4, encoder.dim)
        torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(4))


def test_without_an_adapter_the_language_model_is_trained_and_vision_if_asked(tiny_folder):
    encoder = make(tiny_folder)
    loss_of(encoder).backward()
    assert trained(encoder) == {name for name, _ in encoder.named_parameters() if name.startswith("model.language_model.")}
    assert encoder.vision_is_frozen
    assert all(parameter.grad is None for parameter in encoder.model.visual.parameters())
    both = make(tiny_folder, train_vision=True)
    loss_of(both).backward()
    assert all(parameter.grad is not None for parameter in both.parameters())


def test_media_are_seen_once(tiny_folder):
    encoder = make(tiny_folder)
    seen = []
    encoder.model.visual.register_forward_pre_hook(lambda module, args, kwargs: seen.append(kwargs["grid_thw"].shape[0]), with_kwargs=True)
    known = KeptFeatures()
    batch = batch_of(encoder)
    features = encoder.encode_media(batch, known)
    assert seen == [2]  # image 1 twice, image 2 once
    assert torch.equal(encoder.encode_media(batch_of(encoder, CONTENTS[2:]), known), features[4:])
    assert seen == [2]
    torch.testing.assert_close(encoder(batch, features), encoder(batch))
    assert len(encoder.encode_media(batch_of(encoder, CONTENTS[:1]), known)) == 0


def test_media_are_seen_once_where_micro_batches_pass_in_turns(tiny_folder, monkeypatch):
    encoder = make(tiny_folder)
    seen, passes = [], []
    encoder.model.visual.register_forward_pre_hook(lambda module, args, kwargs: seen.append(kwargs["grid_thw"].shape[0]), with_kwargs=True)
    encoder.model.language_model.register_forward_pre_hook(lambda module, args: passes.append(1))
    batches = [batch_of(encoder, CONTENTS[begin : begin + 1]) for begin in range(len(CONTENTS))]
    tokens = [batch.input_ids.numel() for batch in batches]
    for limit, expected in ((sum(tokens), 1), (max(tokens), len(tokens)), (1, len(tokens))):
        seen.clear()
        passes.clear()
        monkeypatch.setattr(vlm, "TOKENS_TOGETHER", limit)
        assert [len(embeddings) for embeddings in encoder.together(batches)] == [1] * len(batches)
        assert (sum(seen), len(passes)) == (2, expected)


def test_a_frozen_tower_stays_in_evaluation_mode(tiny_folder):
    for train_vision in (False, True):
        encoder = make(tiny_folder, train_vision=train_vision).train()
        assert encoder.training and encoder.model.language_model.layers[0].training
        assert encoder.model.visual.training == encoder.model.visual.blocks[0].training == train_vision


def test_gradient_checkpointing_changes_no_gradient(tiny_folder):
    grads = []
    for checkpointing in (False, True):
        encoder = make(tiny_folder, gradient_checkpointing=checkpointing, train_vision=True).train()
        loss_of(encoder).backward()
        grads.append([parameter.grad for parameter in encoder.parameters()])
    for plain, again in zip(*grads, strict=True):
        torch.testing.assert_close(plain, again)


def test_other_attention_gives_the_same(tiny_folder):
    encoder, eager = make(tiny_folder), make(tiny_folder, attention="eager")
    torch.testing.assert_close(eager(batch_of(eager)), encoder(batch_of(encoder)), rtol=1e-5, atol=1e-5)


def test_contents_without_padding_give_the_same(tiny_folder):
    """Embeddings and gradients; one alone, and beside micro-batches of other lengths."""
    encoder, unpadded = (make(tiny_folder, attention=attention, train_vision=True) for attention in ("sdpa", "varlen"))
    batches = [batch_of(encoder), batch_of(encoder, CONTENTS[:1]), batch_of(encoder, [CONTENTS[2], CONTENTS[0]])]
    expected, found = (torch.cat(one.together(batches)) for one in (encoder, unpadded))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(unpadded(batches[2]), encoder(batches[2]), rtol=1e-5, atol=1e-5)
    for embeddings in (expected, found):
        (embeddings * torch.linspace(-1, 1, embeddings.numel()).view_as(embeddings)).sum().backward()
    for ours, theirs in zip(unpadded.parameters(), encoder.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def test_where_a_gpu_computes_in_float32_contents_are_padded_and_it_is_told_once(tiny_folder, monkeypatch, caplog):
    """As in the evaluation of an encoder that was trained in mixed precision."""
    monkeypatch.setattr("unite.encoder.families.language_pass.is_within_possible", lambda states: False)
    encoder, unpadded = (make(tiny_folder, attention=attention) for attention in ("sdpa", "varlen"))
    batches = [batch_of(encoder), batch_of(encoder, CONTENTS[:1])]
    for _ in range(2):
        assert all(map(torch.equal, unpadded.together(batches), encoder.together(batches)))
    assert caplog.text.count("contents are padded where a GPU computes in torch.float32: encoder.attention=varlen is for 16 bits") == 1


def test_a_model_that_masks_whole_rows_cannot_leave_out_padding(tiny_folder):
    family = make(tiny_folder).family
    family._is_one_pass = False
    with pytest.raises(ConfigError, match=r"encoder.attention must be sdpa for this checkpoint, but is 'varlen'. Only a language model"):
        family.leave_out_padding()
