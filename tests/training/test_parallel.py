"""Several gloo processes against one, on the same global batch."""

import pytest
import torch

from tests.training.ranks import in_ranks, part
from tests.training.toy import batch_of, examples, seeded_encoder
from unite.config.schema import InfoNCEConfig, MAMCLConfig
from unite.objective import MAMCL, InfoNCE
from unite.training.parallel import sum_gradients
from unite.training.step import ContrastiveStep

OBJECTIVES = {
    "mamcl": lambda: MAMCL(MAMCLConfig(temperature=0.1, learnable_temperature=True)),
    "infonce": lambda: InfoNCE(InfoNCEConfig(temperature=0.1, learnable_temperature=True)),
}
COUNT = 17  # not a multiple of the ranks: the last one has fewer rows


def step(rows, name, graph_tokens):
    """Returns loss, gradients and gradient norm after one step on these rows."""
    encoder, objective = seeded_encoder(), OBJECTIVES[name]()
    loss = ContrastiveStep(encoder, objective, graph_tokens)(batch_of(rows), torch.Tensor.backward).loss
    parameters = [*encoder.parameters(), *objective.parameters()]
    sum_gradients(parameters)
    norm = torch.nn.utils.clip_grad_norm_([one for one in parameters if one.grad is not None], 0.5)
    return loss, [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters], norm


def step_of_rank(rank, num_ranks, name, graph_tokens):
    # rank 0 has no word of six letters: its part of the model takes no part in that rank's step
    return step(part(examples(COUNT, rare_from=COUNT // 2), rank, num_ranks), name, graph_tokens)


@pytest.mark.parametrize(("num_ranks", "name", "graph_tokens"), [(2, "mamcl", 1), (4, "mamcl", 1), (2, "infonce", 10_000)])
def test_ranks_together_equal_one_process(num_ranks, name, graph_tokens, tmp_path):
    expected = step(examples(COUNT, rare_from=COUNT // 2), name, graph_tokens)
    for found in in_ranks(step_of_rank, num_ranks, tmp_path, num_ranks, name, graph_tokens):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
