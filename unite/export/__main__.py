"""Exports a trained encoder as one folder that everybody loads: `python -m unite.export run=runs/stage2_mamcl/<run> out=exports/mine`.

It is read by transformers.AutoModel, SentenceTransformer, mteb and unite itself; see docs/export.md.
"""

from __future__ import annotations

import logging

import hydra

from unite.config.register import CONF, register
from unite.config.schema import ExportConfig
from unite.entry import say, shown_errors
from unite.progress import shown

register()
log = logging.getLogger("unite.export")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="export", version_base="1.3")
@shown_errors
def main(config: ExportConfig) -> None:
    """Writes the folder, and says what is in it and how it is loaded."""
    from unite.build.early import check_export

    check_export(config)  # refused before what takes longer to import
    log.info("exporting %s to %s", config.run, config.out)
    with shown("importing torch and transformers"):
        from unite.build.export import export

    say(*export(config))


if __name__ == "__main__":
    main()
