"""Weights sharded over gloo processes against one process, on the same global batch."""

import pytest
import torch
from torch.distributed.device_mesh import init_device_mesh
from transformers import AutoTokenizer

from tests.encoder.checkpoints import save_fast_vlm, tiny
from tests.encoder.material import draw_adapter, make
from tests.training.pictures import pictures
from tests.training.ranks import in_ranks, part
from unite.config.schema import LoRAConfig, MAMCLConfig
from unite.data.collate import Collator
from unite.encoder.features import FeatureBound
from unite.objective import MAMCL
from unite.training.sharded_step import ShardedStep
from unite.training.sharding import shard, whole
from unite.training.step import ContrastiveStep

#: What is trained, and the tokens whose activations are kept: none, those of some micro-batches, all.
LORA = LoRAConfig(r=2, dropout=0.0)
EVERYWHERE = {"adapter": LoRAConfig(r=2, dropout=0.0, targets=["language", "vision"]), "gradient_checkpointing": True}
RUNS = [
    *(({"adapter": LORA}, tokens) for tokens in (1, 200, 100_000)),
    *(({"train_vision": True}, tokens) for tokens in (1, 200, 100_000)),
    *(({"adapter": LORA, "train_vision": True}, tokens) for tokens in (1, 100_000)),
    (EVERYWHERE, 200),
    ({"train_vision": True, "attention": "eager"}, 200),  # a pass for each micro-batch
    ({"train_vision": True}, "auto"),
    *(({"adapter": LORA}, 1, FeatureBound(tokens)) for tokens in (0, 9)),  # ranks have room for the features of different pictures
]


def steps_of_rank(rank, num_ranks, folder, runs):
    """Returns loss and gradients of each run. The first ranks see nothing, the last has fewer rows."""
    found = []
    for options, graph_tokens, *features in runs:
        encoder = make(folder, **options).train()
        draw_adapter(encoder)
        if num_ranks > 1:
            shard(encoder, init_device_mesh("cpu", (num_ranks,)))
        batch = Collator(encoder.processor, 160)(part([*pictures(), pictures()[0]], rank, num_ranks))
        objective = MAMCL(MAMCLConfig(temperature=0.1, symmetric=True))
        step = (ShardedStep if num_ranks > 1 else ContrastiveStep)(encoder, objective, graph_tokens, *features)
        for _ in range(3 if graph_tokens == "auto" else 1):  # the second measures
            encoder.zero_grad(set_to_none=True)
            loss = step(batch, torch.Tensor.backward).loss
        found.append((loss, {name: whole(one.grad) for name, one in encoder.named_parameters() if one.grad is not None}))
    return found


def check_ranks(num_ranks, tmp_path, folder, runs):
    expected = steps_of_rank(0, 1, folder, runs)
    for found in in_ranks(steps_of_rank, num_ranks, tmp_path, num_ranks, folder, runs):
        for (loss, gradients), (same_loss, same_gradients) in zip(found, expected, strict=True):
            torch.testing.assert_close(loss, same_loss, rtol=1e-5, atol=0)
            largest = max(float(one.abs().max()) for one in same_gradients.values())
            torch.testing.assert_close(gradients, same_gradients, rtol=1e-5, atol=1e-5 * largest)


@pytest.mark.parametrize(("num_ranks", "runs"), [(2, RUNS), (4, RUNS[:12:4])])
def test_sharded_ranks_equal_one_process(tmp_path, num_ranks, runs):
    check_ranks(num_ranks, tmp_path, str(tiny(tmp_path)), runs)


#: A frozen tower before a projector that is trained, with the language model's adapters and alone.
PROJECTED = [({"train_vision": True, "frozen": ["vision"], "adapter": LORA}, tokens) for tokens in (1, 200, 100_000)]
ALONE = [({"train_vision": True, "frozen": ["vision", "language"]}, tokens) for tokens in (1, 200, 100_000)]


def test_a_projector_behind_a_frozen_tower_is_trained_by_all_ranks(tmp_path):
    """The first rank has no picture, so that only the other would call the projector; alone it gives texts no gradient."""
    folder = str(save_fast_vlm(tmp_path, AutoTokenizer.from_pretrained(tiny(tmp_path / "words")), "llama"))
    check_ranks(2, tmp_path, folder, [*PROJECTED, *ALONE])
