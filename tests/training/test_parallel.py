"""Several gloo processes against one, on the same global batch."""

import pytest
import torch

from tests.encoder.checkpoints import tiny
from tests.encoder.material import make
from tests.training.pictures import pictures
from tests.training.ranks import in_ranks, part
from tests.training.toy import batch_of, examples, seeded_encoder
from unite.config.schema import InfoNCEConfig, LoRAConfig, MAMCLConfig
from unite.data.collate import Collator
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


@pytest.mark.parametrize(("num_ranks", "name", "graph_tokens"), [(2, "mamcl", 1), (4, "mamcl", 1), (3, "infonce", 10_000)])
def test_ranks_together_equal_one_process(num_ranks, name, graph_tokens, tmp_path):
    expected = step(examples(COUNT, rare_from=COUNT // 2), name, graph_tokens)
    for found in in_ranks(step_of_rank, num_ranks, tmp_path, num_ranks, name, graph_tokens):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def stages_of_rank(rank, num_ranks, folder):
    """Returns loss and gradients of a step of either stage of a real architecture, with the gradient cache and without."""
    found = []
    for objective in (InfoNCE(InfoNCEConfig(temperature=0.1)), MAMCL(MAMCLConfig(temperature=0.1, symmetric=True))):
        for graph_tokens in (1, 100_000):
            encoder = make(folder, adapter=LoRAConfig(r=2, dropout=0.0), train_vision=True).train()
            encoder.add_adapter()
            generator = torch.Generator().manual_seed(0)
            for name, parameter in encoder.named_parameters():
                if "lora_B" in name:
                    parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
            batch = Collator(encoder.processor, 160)(part(pictures(), rank, num_ranks))
            loss = ContrastiveStep(encoder, objective, graph_tokens)(batch, torch.Tensor.backward).loss
            sum_gradients(encoder.parameters())
            found.append((loss, [one.grad for one in encoder.parameters() if one.grad is not None]))
    return found


def test_both_stages_of_a_real_architecture_equal_one_process_with_and_without_cache(tmp_path):
    folder = str(tiny(tmp_path))
    expected = stages_of_rank(0, 1, folder)
    for num_ranks in (2, 3):
        for found in in_ranks(stages_of_rank, num_ranks, tmp_path, num_ranks, folder):
            for (loss, gradients), (same_loss, same_gradients) in zip(found, expected, strict=True):
                torch.testing.assert_close(loss, same_loss, rtol=1e-5, atol=0)
                largest = max(float(one.abs().max()) for one in same_gradients)
                torch.testing.assert_close(gradients, same_gradients, rtol=1e-5, atol=1e-5 * largest)
    for cached, direct in (expected[:2], expected[2:]):
        torch.testing.assert_close(cached, direct, rtol=1e-4, atol=1e-5)
