"""Audits a checkpoint on tasks whose candidates say of which groups they are: `python -m unite.audit checkpoint=runs/stage2_mamcl/<run>`.

The built-in case is `suite=people`; one's own are task folders with a labels.json, and shards of pairs (`suite=pairs suite.shards=...`).
"""

from __future__ import annotations

import logging

import hydra

from unite.config.register import CONF, register
from unite.config.schema import AuditConfig
from unite.entry import agree_on_start, shown_errors
from unite.progress import shown

register()
log = logging.getLogger("unite.audit")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="audit", version_base="1.3")
@shown_errors
def main(config: AuditConfig) -> None:
    """Audits a run folder, an exported encoder or a hub checkpoint: `audit.html` and `audit.json` in the run's folder."""
    from unite.build.early import check_evaluate
    from unite.checkpoints import find_checkpoint

    check_evaluate(config)
    log.info("auditing %s", find_checkpoint(config.checkpoint))
    with shown("importing torch and transformers"):
        from unite.build.audit import build_audited, build_options
        from unite.build.encoder import build_trained_encoder, check_trained_encoder
        from unite.build.evaluate import build_cache
        from unite.build.meeting import meet
        from unite.build.runs import build_run
        from unite.entry import say
        from unite.evaluation.audit.audit import audit
        from unite.evaluation.audit.read import read_tasks
        from unite.processes import is_first_rank, joined_ranks

    meet(config)
    with joined_ranks(config.device):
        check_trained_encoder(config)
        suite, options = build_audited(config), build_options(config)
        read_tasks(suite, options)  # what is wrong with labels is told before the weights are read
        encoder = build_trained_encoder(config)
        cache = build_cache(config, encoder)
        run = build_run(config)
        result = audit(encoder, suite, options, config.checkpoint, run.path, cache)
        if is_first_rank():
            say(*result.told(), f"The page is {run.path / 'audit.html'}.")


if __name__ == "__main__":
    agree_on_start()
    main()
