"""What is passed a second time, and what has nothing to pass back."""

import pytest
import torch

from tests.training.toy import batch_of, examples, gradients, plain, seeded_encoder
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL
from unite.training.step import ContrastiveStep


@pytest.mark.parametrize("graph_tokens", [1, 30, 10_000, "auto"])
def test_contents_that_no_trained_weight_made_have_no_gradient_to_pass(graph_tokens):
    """A projector alone is trained, and micro-batches of texts lie beside those of images."""

    def projector_alone():
        encoder = seeded_encoder()
        encoder.requires_grad_(False)
        encoder.rare.requires_grad_()
        return encoder

    batch = batch_of(examples(20, rare_from=10))
    loss, expected = plain(batch, projector_alone(), MAMCL(MAMCLConfig(temperature=0.1)))
    encoder = projector_alone()
    assert {encoder(micro).requires_grad for micro in batch.micro_batches} == {False, True}
    output = ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), graph_tokens)(batch, torch.Tensor.backward)
    torch.testing.assert_close(output.loss, loss)
    assert expected.keys() == {"rare.weight"}
    torch.testing.assert_close(gradients(encoder), expected, rtol=1e-5, atol=1e-8)


def test_a_batch_that_no_trained_weight_made_trains_nothing():
    encoder = seeded_encoder()
    encoder.requires_grad_(False)
    encoder.rare.requires_grad_()
    for graph_tokens in (1, 10_000, "auto"):
        ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), graph_tokens)(
            batch_of(examples(5, rare_from=5)), torch.Tensor.backward
        )
    assert gradients(encoder) == {}


@pytest.mark.parametrize("graph_tokens", [1, 30])
def test_the_replay_draws_the_same_dropout(graph_tokens):
    batch = batch_of(examples(20))
    _, expected = plain(
        batch, seeded_encoder(0.5), MAMCL(MAMCLConfig(temperature=0.1))
    )  # building the encoder leaves the generator in one and the same state
    _, without = plain(batch, seeded_encoder(0.0), MAMCL(MAMCLConfig(temperature=0.1)))
    encoder = seeded_encoder(0.5)
    ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), graph_tokens)(batch, torch.Tensor.backward)
    assert len(batch.micro_batches) < encoder.calls <= 2 * len(batch.micro_batches) - (graph_tokens > 1)
    torch.testing.assert_close(gradients(encoder), expected, rtol=1e-5, atol=1e-8)
    assert not torch.allclose(without["out.bias"], expected["out.bias"])
