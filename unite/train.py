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
    from unite.build.runs import build_run, plan_of, resumed_config

    config = resumed_config(config)
    check_train(config)  # refused before anything is built
    log.info(plan_of(config))

    # The heavy half, which takes seconds to import, comes after what can be refused: `--help` and errors of the config answer at once.
    with shown("importing torch, Lightning and transformers"):
        from unite.build.check import check_stages
        from unite.build.finish import finish
        from unite.build.fits import tell_what_does_not_fit
        from unite.build.meeting import meet, meet_over_data
        from unite.build.train import build_loggers, build_stages, train
        from unite.entry import console, seed_everything

    meet(config)
    seed_everything(config.seed)
    run = build_run(config)
    stages = build_stages(config, run)
    evaluate = check_stages(config, stages, run)  # of all stages, before the first weight is read
    meet_over_data(stages, run, config.resume)
    tell_what_does_not_fit(config, console())
    loggers = build_loggers(config, run)  # last, since they write: a run whose data cannot be opened leaves nothing
    encoder = train(config, run, stages, loggers)
    return finish(config, run, encoder, loggers, evaluate, console())


if __name__ == "__main__":
    end_with_launcher()
    agree_on_start()
    main()
