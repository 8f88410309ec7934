"""What is done when the last stage of a run has ended: evaluation, and where everything is."""

from __future__ import annotations

from collections.abc import Sequence

from pytorch_lightning.loggers import Logger
from rich.console import Console

from unite.build.check import Evaluation
from unite.build.runs import last_stage
from unite.config.schema import TrainConfig
from unite.encoder.vlm import VLMEncoder
from unite.processes import is_first_rank
from unite.runs import RunFolder
from unite.training.loggers import finish_loggers


def finish(
    config: TrainConfig,
    run: RunFolder,
    encoder: VLMEncoder,
    loggers: Sequence[Logger],
    evaluate: Evaluation | None,
    console: Console,
) -> float | None:
    """Evaluates a trained encoder, marks its run as finished and says where all is. All ranks call it.

    Args:
        evaluate: what evaluates it, as `build_evaluation`; None where nothing does.

    Returns:
        The suite's score; None where nothing is evaluated, and on all ranks but the first.
    """
    # All ranks share the embedding. Nothing is kept on disk: this encoder is new, and a sweep would fill the disk with such embeddings.
    evaluation = evaluate(encoder, folder=run.path, console=console) if evaluate else None
    if not is_first_rank():
        return None
    finish_loggers(loggers, {**evaluation.metrics(), "score": evaluation.score} if evaluation else {}, run.path)
    run.finish()
    if config.sweep.folder is not None:
        run.thin(config.sweep.keep, last_stage(config))
    made = "encoder/, config.yaml" + (", metrics.json, recall.png" if evaluation else "")
    compare = f"\nCompare runs: python -m unite.report {run.path} <another run>" if evaluation else ""
    export = f"\nHand the encoder on: python -m unite.export run={run.path} out=<folder>" if config.sweep.folder is None else ""
    console.print(f"The run is in {run.path}: {made}.{compare}{export}", soft_wrap=True)
    return evaluation.score if evaluation else None
