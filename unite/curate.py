"""Curates raw collections into shards.

    python -m unite.curate out=data/nli +recipe@recipes.nli=text_pairs recipes.nli.annotations=nli.jsonl +step@steps.twice=exact_duplicates

Steps that judge row by row run first, then those that judge the set, each in the order in which they are named. A killed run goes on where
it stopped when it is started again.
"""

from __future__ import annotations

import logging

import hydra

from unite.config.register import CONF, register
from unite.config.schema import CurateConfig
from unite.entry import shown_errors

register()
log = logging.getLogger("unite.curate")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="curate", version_base="1.3")
@shown_errors
def main(config: CurateConfig) -> None:
    """Runs the recipes through the steps into `out`, and says where the datasheet is."""
    log.info("curating %s into %s", ", ".join(config.recipes), config.out)
    from unite.build.early import check_curate

    check_curate(config)  # refused before what takes longer to import
    from unite.build.curate import curate
    from unite.entry import console

    sheet = curate(config)
    rows = f"{sheet['totals']['rows']} of {sheet['funnel'][0]['in']} rows"
    lines = [f"The set is in {config.out}: {rows}, datasheet.html, datasheet.json, skipped.jsonl."]
    # A source of a mixture names such a folder as its shards.
    lines += [f"  {config.out}/{folder}: {found['rows']} rows" for folder, found in sheet["folders"].items()]
    console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
