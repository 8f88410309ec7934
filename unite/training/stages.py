"""The chain of stages: alignment (may be left out), then adaptation.

Each stage trains its own adapters on the weights that the one before left, and merges them into the weights at its end: so the next
stage, and whoever loads the result, has a plain model.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from unite.config.schema.validation import Export
from unite.data.mixture import MixtureDataModule
from unite.encoder.features import ALL_KEPT, FeatureBound
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError, ConfigError, must_be
from unite.processes import is_first_rank
from unite.progress import shown
from unite.runs import RunFolder
from unite.training.going_back import go_back
from unite.training.module import UniteModule
from unite.training.optimizer import OptimizerBuilder
from unite.training.sharded_checkpoint import check_parts, state_file
from unite.training.sharded_step import ShardedStep
from unite.training.sharded_strategy import check_strategy, is_sharded_run
from unite.training.sharding import trained_weights
from unite.training.shared_stages import SharedStages
from unite.training.signals import status_of
from unite.training.step import ContrastiveStep
from unite.training.validation import Validation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        name: of its checkpoints and its part of the log.
        mixture, objective, optimizer: what it trains on, and how.
        num_steps: its length.
        validation: what looks at it while it trains; None where nothing does.
        export: the weights that it ends with; `best` needs a validation.
        frozen: what of the encoder it does not train, beside what the encoder's config freezes.
    """

    name: str
    mixture: MixtureDataModule
    objective: nn.Module
    optimizer: OptimizerBuilder
    num_steps: int
    validation: Validation | None = None
    export: Export = Export.last
    frozen: Sequence[str] = ()


def train_stages(
    stages: Sequence[Stage],
    run: RunFolder,
    load_encoder: Callable[[Path | None], VLMEncoder],
    build_trainer: Callable[[Stage], pl.Trainer],
    graph_tokens: int | str,
    resume: bool,
    seed: int = 0,
    shared: SharedStages | None = None,
    back_to: tuple[str, int] | None = None,
    features: FeatureBound = ALL_KEPT,
    negligible: float = 0,
) -> VLMEncoder:
    """Trains the stages one after the other and returns the trained encoder, which is exported to `run.encoder`.

    Args:
        stages: in their order; at least one.
        load_encoder: given the folder that the stage before exported, or None for the run's own start.
        build_trainer: given a stage.
        resume: passes over the stages that are done, and goes on in the next one from its last checkpoint.
        seed: of the random numbers that a stage draws: they are those of the stage, whatever came before it in this process.
        shared: where stages but the last are shared with other jobs; None trains them here.
        back_to: stage and step of an older checkpoint to go on from; what was made after it is set aside.
        features: how much of what a frozen tower has seen is kept over a step.
        negligible: see `ContrastiveStep`.

    Raises:
        ConfigError: if there is no stage, or `back_to` is of another one.
        CheckpointError: if the run that goes on was not copied whole.
    """
    if not stages:
        hint = "Give alignment.max_steps or trainer.max_steps a number above 0."
        raise ConfigError(must_be("the number of stages", "at least 1", 0, hint))
    if back_to is not None:
        go_back(run, [stage.name for stage in stages], *back_to)
    exports = _exports(stages, run)
    done = num_done(stages, run) if resume else 0
    start = exports[done - 1] if done else None
    encoder = load_encoder(start)
    for stage in stages[done:]:
        stage.mixture.check()
        if stage.validation is not None:
            stage.validation.validator.prepare()
    for stage, export in list(zip(stages, exports, strict=True))[done:]:
        turn = nullcontext() if shared is None or stage is stages[-1] else shared.turn(stage.name, stage.mixture, encoder)
        with turn as shared_stage:
            if shared_stage is not None and shared_stage.is_there:
                shared_stage.take(export)
                start, encoder = export, load_encoder(export)
                continue
            checkpoint = run.last_checkpoint(stage.name) if resume else None
            if checkpoint:
                check_checkpoint(checkpoint, stage.num_steps)
            trainer = build_trainer(stage)
            with _told_how_to_go_on(run, stage), shown(f"stage {stage.name}"):
                _train(stage, encoder, trainer, graph_tokens, features, negligible, checkpoint, seed)
            with shown("exporting the encoder"):
                if is_sharded_run(trainer):
                    trained = trained_weights(encoder)
                    if is_first_rank():
                        _exported(load_encoder(start), trained, stage.frozen).save(export)
                    trainer.strategy.barrier()
                    start, encoder = export, load_encoder(export).to(trainer.strategy.root_device)
                else:
                    encoder.merge_adapter()
                    if is_first_rank():
                        encoder.save(export)
                if is_first_rank() and shared_stage is not None:
                    shared_stage.put(export, run.path)
    return encoder


def _exported(encoder: VLMEncoder, trained: dict[str, Tensor], frozen: Sequence[str]) -> VLMEncoder:
    """Returns the encoder that a stage began with as a sharded one left it: what was trained is gathered, the rest stands in its folder."""
    encoder.add_adapter(frozen)
    encoder.load_state_dict(trained, strict=False)
    encoder.merge_adapter()
    return encoder


def num_done(stages: Sequence[Stage], run: RunFolder) -> int:
    """Returns how many stages of a run that goes on have left their encoder: it passes over them.

    Raises:
        CheckpointError: if later stages have what an earlier lacks.
    """
    exports = _exports(stages, run)
    are_there = [(folder / "config.json").is_file() for folder in exports]
    done = are_there.index(False) if False in are_there else len(stages)
    for stage, is_there in list(zip(stages, are_there, strict=True))[done + 1 :]:
        if is_there or run.last_checkpoint(stage.name):
            what = f"without {exports[done]}, from which the stage {stage.name} began"
            hint = "Copy it again, or begin a new run without resume."
            raise CheckpointError(must_be(f"the run {run.path}, which is to be resumed,", "whole", what, hint))
    return done


def _exports(stages: Sequence[Stage], run: RunFolder) -> list[Path]:
    return [*(run.stage_encoder(stage.name) for stage in stages[:-1]), run.encoder]


def provenance_of(stages: Sequence[Stage]) -> dict[str, dict[str, dict[str, str]]]:
    """Returns what tells the data of each stage's sources: the checksum of their shards, and the fingerprint of the rows held out."""
    held_out = {stage.name: stage.mixture.held_out_fingerprints() for stage in stages}
    return {"data": {stage.name: stage.mixture.fingerprints() for stage in stages}, "held_out": held_out}


@contextmanager
def _told_how_to_go_on(run: RunFolder, stage: Stage) -> Iterator[None]:
    """Says, when training breaks off, from where `resume=true` would go on. A signal that ended it is told by the exit status."""
    try:
        yield
    except BaseException as error:
        last = run.last_checkpoint(stage.name)
        interrupted = isinstance(error, KeyboardInterrupt | SystemExit)  # Lightning makes a SystemExit of Ctrl-C
        if is_first_rank() and (interrupted or (last and not isinstance(error, ConfigError))):
            again = f"the same command with resume=true goes on from {last}" if last else "there is no checkpoint yet to go on from"
            log.error("stage %s broke off: %s.", stage.name, again)
        status = status_of(error)
        if status is not None:  # told by the first rank: Lightning kills that one where another ends with an error
            raise SystemExit(status if is_first_rank() else 0) from error
        raise


def check_checkpoint(path: Path, num_steps: int) -> None:
    """Reads a checkpoint's names, not its weights.

    Raises:
        CheckpointError: if it is truncated or something else.
        ConfigError: if it was written after more than `num_steps` steps.
    """
    actual, found = "something else", None
    try:
        found = torch.load(state_file(path), map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, EOFError, ValueError, KeyError, OSError, pickle.UnpicklingError) as error:
        actual = f"not readable ({str(error).partition('. ')[0] or type(error).__name__})"
    if not (isinstance(found, dict) and {"state_dict", "global_step", "pytorch-lightning_version"} <= set(found)):
        hint = "Delete or replace it: without a checkpoint, resume=true begins the stage again."
        raise CheckpointError(must_be(f"the checkpoint {path}", "one that a run of unite.train wrote", actual, hint))
    if path.is_dir():
        check_parts(path, found)
    if found["global_step"] > num_steps:
        raise ConfigError(
            must_be("the number of steps of the resumed stage", f"at least {found['global_step']}, those of {path}", num_steps)
        )


def _train(
    stage: Stage,
    encoder: VLMEncoder,
    trainer: pl.Trainer,
    graph_tokens: int | str,
    features: FeatureBound,
    negligible: float,
    checkpoint: Path | None,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    encoder.add_adapter(stage.frozen)
    encoder.train()  # transformers loads in evaluation mode, and Lightning leaves modes as they are
    num_steps = stage.mixture.attach(encoder.processor, stage.num_steps)
    where = f"{trainer.world_size} x {trainer.strategy.root_device.type}"
    log.info("stage %s: %d steps on %s%s", stage.name, num_steps, where, f", resumed from {checkpoint.name}" if checkpoint else "")
    step = ShardedStep if is_sharded_run(trainer) else ContrastiveStep
    if checkpoint:
        check_strategy(trainer, checkpoint)
    module = UniteModule(encoder, stage.objective, stage.optimizer, num_steps, graph_tokens, seed, step, features, negligible)
    trainer.fit(module, datamodule=stage.mixture, ckpt_path=checkpoint, weights_only=True)
    if stage.export is Export.best and stage.validation is not None:
        trainer.strategy.barrier()  # the first rank writes which one it is
        stage.validation.load_best(module, trainer.strategy)
    elif module.average is not None:
        module.average.take()
    module.to(trainer.strategy.root_device)  # Lightning leaves it on the CPU, and evaluation comes next
