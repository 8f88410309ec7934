"""Stages that are trained with sharded weights through Lightning, and `sharded_checkpoint.py` and `sharding.py` by way of them."""

import os
import shutil
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments import TorchElasticEnvironment
from safetensors.torch import load_file

from tests.encoder.checkpoints import tiny
from tests.encoder.material import make
from tests.training.pictures import pictures
from tests.training.prepared import BreakOff, PreparedBatches
from tests.training.ranks import in_ranks, part
from unite.config.schema import AdamWConfig, LoRAConfig, MAMCLConfig
from unite.data.collate import Collator
from unite.errors import CheckpointError, ConfigError
from unite.objective import MAMCL
from unite.runs import RunFolder
from unite.training.adamw import AdamWCosine
from unite.training.sharded_checkpoint import check_parts
from unite.training.sharded_strategy import ShardedStrategy, check_strategy
from unite.training.stage_checkpoint import StageCheckpoint
from unite.training.stages import Stage, check_checkpoint, train_stages

ENCODERS = {"lora": {"adapter": LoRAConfig(r=2, dropout=0.0)}, "whole": {"train_vision": True}}


def its_part(rank, num_ranks):
    """The rank's part of batches of pictures and words."""
    return PreparedBatches(lambda processor, step: Collator(processor, 160)(part(pictures()[step % 2 :][:5], rank, num_ranks)))


def train(rank, num_ranks, folder, runs, resume, broken_at):
    """Trains a stage of three steps of each encoder, in `runs/<name>`; breaks off before a step. Returns nothing."""
    ranks = {"WORLD_SIZE": num_ranks, "RANK": rank, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": num_ranks, "GROUP_RANK": 0}
    os.environ |= {"TORCHELASTIC_RUN_ID": "test", **{name: str(value) for name, value in ranks.items()}}
    for name, options in ENCODERS.items():
        run = RunFolder(runs / name)
        strategy = ShardedStrategy(cluster_environment=TorchElasticEnvironment()) if num_ranks > 1 else "auto"
        callbacks = [BreakOff(broken_at), StageCheckpoint(run.checkpoints("s"), 1)]
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "use_distributed_sampler": False}
        trainer = pl.Trainer(
            accelerator="cpu", devices=num_ranks, strategy=strategy, max_steps=3, max_epochs=1, callbacks=callbacks, **quiet
        )
        objective = MAMCL(MAMCLConfig(temperature=0.1, learnable_temperature=True))
        # A larger eps: what AdamW makes of a gradient near 0 is its sign, which rounding decides.
        optimizer = AdamWCosine(AdamWConfig(lr=0.01, eps=1e-3, gradient_clip=1.0))
        stage = Stage("s", its_part(rank, num_ranks), objective, optimizer, 3)
        try:
            train_stages([stage], run, lambda _, options=options: make(folder, **options), lambda _, t=trainer: t, 1, resume=resume)
        except RuntimeError as error:
            assert str(error) == "broken off"
    return 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of one process, of two, and of two that three went on with after two steps; and what the two had left then."""
    root = tmp_path_factory.mktemp("runs")
    folder = str(tiny(root / "tiny"))
    found = SimpleNamespace(one=root / "one", two=root / "two", resumed=root / "resumed", left=root / "left")
    in_ranks(train, 1, root, 1, folder, found.one, False, None)
    in_ranks(train, 2, root, 2, folder, found.two, False, None)
    in_ranks(train, 2, root, 2, folder, found.resumed, False, 2)
    shutil.copytree(found.resumed, found.left)
    in_ranks(train, 3, root, 3, folder, found.resumed, True, None)
    return found


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("ranks", ["two", "resumed"])
def test_sharded_training_exports_what_one_process_does(runs, name, ranks):
    found, expected = (load_file(folder / name / "encoder/model.safetensors") for folder in (getattr(runs, ranks), runs.one))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def checkpoint_of(runs):
    return runs.left / "whole/checkpoints/s/step=2.ckpt"


def test_each_rank_writes_its_part_of_weights_and_moments(runs):
    parts = [load_file(path) for path in sorted(checkpoint_of(runs).glob("*.safetensors"))]
    first, second = ({name: tensor.numel() for name, tensor in one.items()} for one in parts)
    assert abs(sum(first.values()) - sum(second.values())) < 0.1 * sum(first.values())
    assert {name.split("/")[1] for name in first} == {"state_dict", "optimizer_states"}
    assert not [name for name in first if first[name] > 1.1 * second.get(name, 0) + 64]


def test_a_checkpoint_of_which_a_part_is_missing_or_short_is_refused(runs, tmp_path):
    copy = tmp_path / "step=2.ckpt"
    shutil.copytree(checkpoint_of(runs), copy)
    check_checkpoint(copy, 3)
    part_of_second = sorted(copy.glob("*.safetensors"))[1]
    part_of_second.write_bytes(part_of_second.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=f"step=2.ckpt must be whole, but is 'without {part_of_second.name}'. Copy it again"):
        check_checkpoint(copy, 3)
    part_of_second.unlink()
    with pytest.raises(CheckpointError, match=f"must be whole, but is 'without {part_of_second.name}'"):
        check_checkpoint(copy, 3)
    with pytest.raises(CheckpointError, match="must be whole, but is 'without the list of its parts'"):
        check_parts(copy, {})
    (copy / "state.ckpt").unlink()
    with pytest.raises(CheckpointError, match=r"step=2.ckpt must be one that a run .* wrote, but is .not readable"):
        check_checkpoint(copy, 3)


def test_a_checkpoint_of_the_other_strategy_is_refused(runs, tmp_path):
    ours, other = (SimpleNamespace(strategy=strategy) for strategy in (ShardedStrategy(), None))
    check_strategy(ours, checkpoint_of(runs))
    with pytest.raises(
        CheckpointError, match=r"trainer.strategy of the resumed run must be sharded, as of .*step=2.ckpt, but is 'another'"
    ):
        check_strategy(other, checkpoint_of(runs))
    with pytest.raises(CheckpointError, match=r"trainer.strategy of the resumed run must be unite or auto, as of .*, but is 'sharded'"):
        check_strategy(ours, tmp_path / "step=2.ckpt")


def test_a_torch_that_cannot_shard_as_is_needed_is_refused(monkeypatch):
    monkeypatch.setattr("unite.training.sharded_strategy.FSDPModule", object)
    with pytest.raises(ConfigError, match=r"torch for trainer.strategy=sharded must be 2.9 or newer, but is .* Update torch"):
        ShardedStrategy()
