"""What is trained, and what is computed once."""

import torch

from tests.encoder.material import CONTENTS, batch_of, loss_of, make, trained


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
    known = {}
    batch = batch_of(encoder)
    features = encoder.encode_media(batch, known)
    assert seen == [2]  # image 1 twice, image 2 once
    assert torch.equal(encoder.encode_media(batch_of(encoder, CONTENTS[2:]), known), features[4:])
    assert seen == [2]
    torch.testing.assert_close(encoder(batch, features), encoder(batch))
    assert len(encoder.encode_media(batch_of(encoder, CONTENTS[:1]), known)) == 0


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
