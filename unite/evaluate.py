"""Evaluates a checkpoint: `python -m unite.evaluate checkpoint=runs/stage2_mamcl/<run>`.

Over several processes or GPUs: `torchrun --nproc-per-node 2 -m unite.evaluate checkpoint=...`.
"""

from __future__ import annotations

import logging

import hydra

from unite.config.register import CONF, register
from unite.config.schema import EvaluateConfig
from unite.entry import agree_on_start, shown_errors
from unite.progress import shown

register()
log = logging.getLogger("unite.evaluate")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="evaluate", version_base="1.3")
@shown_errors
def main(config: EvaluateConfig) -> float | None:
    """Evaluates a run folder, an exported encoder or a hub checkpoint; returns the suite's score, which sweepers may optimise."""
    from unite.build.early import check_evaluate
    from unite.checkpoints import find_checkpoint

    check_evaluate(config)  # refused before anything is built, and before what takes seconds to import
    log.info("evaluating %s", find_checkpoint(config.checkpoint))
    with shown("importing torch and transformers"):
        from unite.build.encoder import build_trained_encoder, check_trained_encoder
        from unite.build.evaluate import build_cache
        from unite.build.meeting import meet
        from unite.build.runs import build_run
        from unite.build.suites import build_evaluation
        from unite.build.trained_run import build_trained_held_out
        from unite.embedding.sharing import told_cache
        from unite.entry import console
        from unite.errors import ConfigError, must_be
        from unite.processes import is_first_rank, joined_ranks

    meet(config)
    with joined_ranks(config.device):
        check_trained_encoder(config)  # what tells at once comes before a world is built, and that before the weights are read
        held_out = build_trained_held_out(config)
        evaluate = build_evaluation(config, held_out, fits=held_out is None)
        if evaluate is None:
            raise ConfigError(must_be("suite", "one of conf/suite", None))
        encoder, run = build_trained_encoder(config), build_run(config)
        cache = build_cache(config, encoder)
        evaluation = evaluate(encoder, folder=run.path, console=console(), cache=cache)
        told = told_cache(cache)
        if is_first_rank():
            console().print(f"The results are in {run.path}. {told}", soft_wrap=True)
    return evaluation.score


if __name__ == "__main__":
    agree_on_start()
    main()
