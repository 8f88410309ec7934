"""Serves a search page on this machine: `python -m unite.search index=corpora/photos labels=labels.jsonl`.

`index2=` asks a second encoder beside the first. Without `index=` it is the built-in case: what the newest run of `make train` makes of the
emoji world. Ctrl-C ends it. See docs/search_page.md.
"""

from __future__ import annotations

import logging
from contextlib import suppress

import hydra

from unite.config.register import CONF, register
from unite.config.schema import ServeConfig
from unite.entry import say, shown_errors
from unite.progress import shown

register()
log = logging.getLogger("unite.search")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="search", version_base="1.3")
@shown_errors
def main(config: ServeConfig) -> None:
    """Opens the corpora with their encoders, says what is served and where, and serves."""
    from unite.build.early import check_search

    check_search(config)
    with shown("importing torch and transformers"):
        from unite.build.serving import build_app, open_searchers, shown_address
        from unite.search.server import serve

    searchers = open_searchers(config, say)
    for name, searcher in searchers.items():
        say(f"{name}: {searcher.num_rows:,} rows of {', '.join(searcher.modalities)}")
    with suppress(KeyboardInterrupt):  # that is how it ends
        serve(build_app(config, searchers), config.host, config.port, on_start=shown_address(config, say))


if __name__ == "__main__":
    main()
