"""What a run would take, before it is begun: `python -m unite.plan +experiment=paper_stage2 plan.device=h100 plan.devices=8`.

All options are those of `unite.train`; nothing is read but a config.json, and nothing is written.
"""

from __future__ import annotations

import logging
import sys

import hydra

from unite.config.register import CONF, register
from unite.config.schema import TrainConfig
from unite.entry import shown_errors
from unite.progress import shown

register()
log = logging.getLogger("unite.plan")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")
@shown_errors
def main(config: TrainConfig) -> None:
    """Prints parameters, memory, operations and hours of the stages of a run."""
    with shown("importing torch and transformers"):
        from unite.build.plan import build_plans
        from unite.entry import console, say
        from unite.planning.table import notes, table

    plans, told = build_plans(config)
    console().print(table(plans, told))
    say(*notes(plans))


if __name__ == "__main__":
    sys.argv[1:1] = ["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=stdout"]  # a plan leaves nothing
    sys.argv[1:1] = ["hydra.help.template=${option_help:plan}"]
    main()
