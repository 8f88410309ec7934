"""Builds the index of a stored corpus: `python -m unite.index corpus=corpora/photos`.

It lies in the corpus's folder. Called again it is built anew, over what the corpus holds then. `near_duplicates=0.95` also writes the pairs
of rows that are nearly the same.
"""

from __future__ import annotations

import logging

import hydra

from unite.config.register import CONF, register
from unite.config.schema import IndexConfig, IndexOptions
from unite.entry import say, shown_errors
from unite.progress import shown

register()
log = logging.getLogger("unite.index")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="index", version_base="1.3")
@shown_errors
def main(config: IndexConfig) -> None:
    """Builds the index, and says what it is worth."""
    from unite.build.early import check_index

    check_index(config)
    log.info("indexing %s", config.corpus)
    with shown("importing torch and LanceDB"):
        from unite.build.component import options_of
        from unite.search.index import build_index
        from unite.search.index.near_duplicates import FILE, write_near_duplicates

    lines = build_index(config.corpus, options_of(IndexOptions, config)).told(config.corpus)
    if config.near_duplicates is not None:
        num = write_near_duplicates(config.corpus, config.near_duplicates)
        lines.append(f"{num} pairs of rows are alike by {config.near_duplicates:g} or more: {config.corpus}/{FILE}.")
    say(*lines, f"Search in it: python -m unite.search index={config.corpus}")


if __name__ == "__main__":
    main()
