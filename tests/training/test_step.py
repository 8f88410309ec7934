import pytest
import torch

from tests.training.toy import batch_of, examples, seeded_encoder
from unite.config.schema import InfoNCEConfig, MAMCLConfig
from unite.errors import ConfigError, NonFiniteLossError
from unite.objective import MAMCL, InfoNCE
from unite.training.step import ContrastiveStep, count_tokens


def gradients(encoder):
    return {name: parameter.grad.clone() for name, parameter in encoder.named_parameters() if parameter.grad is not None}


def plain(batch, encoder, objective):
    """The step without any of its parts: embed all, loss, backward."""
    parts = torch.cat([encoder(micro) for micro in batch.micro_batches])
    order = torch.cat([micro.contents for micro in batch.micro_batches]).argsort()
    loss = objective(parts[order], batch.relations).loss
    loss.backward()
    return loss.detach(), gradients(encoder)


@pytest.mark.parametrize("objective", [MAMCL(MAMCLConfig(temperature=0.1)), InfoNCE(InfoNCEConfig(temperature=0.1))])
@pytest.mark.parametrize("graph_tokens", [1, 10_000], ids=["cached", "direct"])
def test_gradients_equal_the_plain_step(objective, graph_tokens):
    batch = batch_of(examples(20))
    loss, expected = plain(batch, seeded_encoder(), objective)
    encoder = seeded_encoder()
    output = ContrastiveStep(encoder, objective, graph_tokens)(batch, torch.Tensor.backward)
    assert encoder.calls == len(batch.micro_batches) * (2 if graph_tokens == 1 else 1)
    torch.testing.assert_close(output.loss, loss)
    torch.testing.assert_close(gradients(encoder), expected, rtol=1e-5, atol=1e-8)
    assert output.objective.terms.row.tolist() == list(range(20))
    assert (len(output.embeddings), output.relations) == (batch.relations.num_contents, batch.relations)


def test_the_replay_draws_the_same_dropout():
    batch = batch_of(examples(20))
    _, expected = plain(
        batch, seeded_encoder(0.5), MAMCL(MAMCLConfig(temperature=0.1))
    )  # building the encoder leaves the generator in one and the same state
    _, without = plain(batch, seeded_encoder(0.0), MAMCL(MAMCLConfig(temperature=0.1)))
    encoder = seeded_encoder(0.5)
    ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), graph_tokens=1)(batch, torch.Tensor.backward)
    torch.testing.assert_close(gradients(encoder), expected, rtol=1e-5, atol=1e-8)
    assert not torch.allclose(without["out.bias"], expected["out.bias"])


def test_the_packing_does_not_change_the_gradient():
    wide, narrow = (batch_of(examples(16), budget) for budget in (1000, 12))
    _, expected = plain(wide, seeded_encoder(), MAMCL(MAMCLConfig(temperature=0.1)))
    encoder = seeded_encoder()
    ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), 1)(narrow, torch.Tensor.backward)
    assert len(wide.micro_batches) == 1 < len(narrow.micro_batches)
    torch.testing.assert_close(gradients(encoder), expected, rtol=1e-5, atol=1e-8)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_samples():
    encoder = seeded_encoder()
    with torch.no_grad():
        encoder.out.bias.fill_(float("nan"))
    message = r"the loss of the batch of row0, row1, row2, row3 and 2 more must be finite, but is nan. Try a lower optimizer.lr"
    with pytest.raises(NonFiniteLossError, match=message) as raised:
        ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), 1)(batch_of(examples(6)), torch.Tensor.backward)
    assert raised.value.keys == [f"row{at}" for at in range(6)]
    assert gradients(encoder) == {}


def test_graph_tokens_must_be_positive():
    with pytest.raises(ConfigError, match="trainer.graph_tokens must be at least 1, but is 0"):
        ContrastiveStep(seeded_encoder(), MAMCL(MAMCLConfig(temperature=0.1)), 0)


def test_tokens_are_counted_with_and_without_padding():
    batch = batch_of(examples(3), 1000)
    lengths = [len(content.split()) for example in examples(3) for content in (example.query.text, example.positives[0].text)]
    lengths += [1 for example in examples(3) if example.negatives]
    assert count_tokens(batch.micro_batches) == (sum(lengths), max(lengths) * len(lengths))
