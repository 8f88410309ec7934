"""Trains an embedder: `python -m unite.train +experiment=stage2_mamcl`.

`--help` lists the config groups; `-m` sweeps over comma-separated options; `resume=true` goes on with the newest unfinished run, or with
`-m` the newest sweep, of that name; `resume=<run>@<step>` with an older checkpoint of a run.
"""

from __future__ import annotations

import logging

import hydra

from unite.build.sweep import register_sweeps
from unite.config.register import CONF, register
from unite.config.schema import TrainConfig
from unite.entry import agree_on_start, shown_errors
from unite.progress import shown
from unite.sweeps.lifeline import end_with_launcher

register()
register_sweeps()
log = logging.getLogger("unite.train")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")
@shown_errors
def main(config: TrainConfig) -> float | None:
    """Trains the stages of a config, exports the encoder, evaluates it; returns the suite's score, which sweepers may optimise."""
    from unite.build.early import check_train
    from unite.build.runs import build_run, gone_back_to, last_stage, plan_of, resumed_config

    config = resumed_config(config)
    check_train(config)  # refused before anything is built
    log.info(plan_of(config))

    # The heavy half, which takes seconds to import, comes after what can be refused: `--help` and errors of the config answer at once.
    with shown("importing torch, Lightning and transformers"):
        from unite.build.check import check_stages
        from unite.build.encoder import build_encoder
        from unite.build.train import build_loggers, build_shared_stages, build_stages, build_trainer
        from unite.entry import console, seed_everything
        from unite.processes import is_first_rank
        from unite.training.loggers import finish_loggers
        from unite.training.stages import provenance_of, train_stages

    seed_everything(config.seed)
    run = build_run(config)
    stages = build_stages(config, run)
    evaluate = check_stages(config, stages, run)  # of all stages, before the first weight is read
    loggers = build_loggers(config, run)  # last, since they write: a run whose data cannot be opened leaves nothing
    encoder = train_stages(
        stages,
        run,
        load_encoder=lambda folder: build_encoder(config, folder),
        build_trainer=lambda stage: build_trainer(config, stage, run, loggers),
        graph_tokens=config.trainer.graph_tokens,
        resume=bool(config.resume),
        back_to=gone_back_to(config),
        seed=config.seed,
        shared=build_shared_stages(config),
    )
    if is_first_rank():
        run.write_provenance(**provenance_of(stages), init_from=config.init_from)
    # All ranks share the embedding. Nothing is kept on disk: this encoder is new, and a sweep would fill the disk with such embeddings.
    evaluation = evaluate(encoder, folder=run.path, console=console()) if evaluate else None
    if not is_first_rank():
        return None
    finish_loggers(loggers, {**evaluation.metrics(), "score": evaluation.score} if evaluation else {}, run.path)
    run.finish()
    if config.sweep.folder is not None:
        run.thin(config.sweep.keep, last_stage(config))
    made = "encoder/, config.yaml" + (", metrics.json, recall.png" if evaluation else "")
    compare = f"\nCompare runs: python -m unite.report {run.path} <another run>" if evaluation else ""
    console().print(f"The run is in {run.path}: {made}.{compare}", soft_wrap=True)
    return evaluation.score if evaluation else None


if __name__ == "__main__":
    end_with_launcher()
    agree_on_start()
    main()
