"""What the log costs: processor time of the callbacks that write it, as a share of the steps', in one run on the built-in mixture.

    python -m benchmarks.logging [--quick]

The run is `+experiment=stage2_mamcl` as it is by default, with the CSV and W&B (offline) loggers. Timed are the two callbacks (the window's
sums, its rows, the embeddings' health with both of its rows) and, apart, the module's own step without data; opening the loggers is not.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl

from unite.build.encoder import build_encoder
from unite.build.train import build_loggers, build_stages, build_trainer
from unite.config.register import CONF, register
from unite.config.schema import TrainConfig
from unite.runs import RunFolder
from unite.training.embedding_health import EmbeddingHealth
from unite.training.loggers import finish_loggers
from unite.training.module import UniteModule
from unite.training.step_log import StepLog


class TimedModule(UniteModule):
    """Adds up the processor seconds of its steps."""

    seconds = 0.0

    def training_step(self, batch: Any, batch_idx: int) -> dict[str, Any]:
        start = time.process_time()
        outputs = super().training_step(batch, batch_idx)
        self.seconds += time.process_time() - start
        return outputs


class TimedCallback(pl.Callback):
    """Hands a step's hooks on to a callback and adds up their processor seconds."""

    def __init__(self, callback: pl.Callback) -> None:
        self.callback = callback
        self.seconds = 0.0

    def on_train_start(self, *arguments: Any) -> None:
        self.callback.on_train_start(*arguments)

    def on_train_batch_start(self, *arguments: Any) -> None:
        self._timed(self.callback.on_train_batch_start, *arguments)

    def on_train_batch_end(self, *arguments: Any) -> None:
        self._timed(self.callback.on_train_batch_end, *arguments)

    def _timed(self, hook: Any, *arguments: Any) -> None:
        start = time.process_time()
        hook(*arguments)
        self.seconds += time.process_time() - start


def run(quick: bool) -> dict[str, float]:
    """Measures `logging_overhead`, and the share of each callback in it."""
    from hydra import compose, initialize_config_dir

    num_steps, every = (20, 10) if quick else (200, 100)
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = ["alignment=none", "trainer.progress_bar=false", f"trainer.health_every_n_steps={every}"]
        config = cast(TrainConfig, compose("train", ["+experiment=stage2_mamcl", f"trainer.max_steps={num_steps}", *overrides]))
    encoder = build_encoder(config, None).train()
    with tempfile.TemporaryDirectory() as folder:
        run_folder = RunFolder(Path(folder))
        (stage,) = build_stages(config, run_folder)
        loggers = build_loggers(config, run_folder)
        for logger in loggers:
            _ = logger.experiment  # type: ignore[attr-defined]
        trainer: Any = build_trainer(config, stage, run_folder, loggers)
        timed = {type(one).__name__: TimedCallback(one) for one in trainer.callbacks if isinstance(one, StepLog | EmbeddingHealth)}
        trainer.callbacks = [timed.get(type(one).__name__, one) for one in trainer.callbacks]
        stage.mixture.attach(encoder.processor, num_steps)
        module = TimedModule(encoder, stage.objective, stage.optimizer, num_steps, graph_tokens=1_000_000)
        trainer.fit(module, datamodule=stage.mixture)
        finish_loggers(loggers, {}, run_folder.path)
    return {
        "logging_overhead": sum(callback.seconds for callback in timed.values()) / module.seconds,
        "logging_overhead_step_log": timed["StepLog"].seconds / module.seconds,
        "logging_overhead_health": timed["EmbeddingHealth"].seconds / module.seconds,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for key, value in run(parser.parse_args().quick).items():
        print(f"{key:36} {value:.4g}")
