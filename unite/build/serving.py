"""What `python -m unite.search` builds: the corpora with their encoders, and the app."""

from __future__ import annotations

import logging
import os
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette

from unite.build.encoder import device_of_name
from unite.build.newest_run import built_in_corpus
from unite.config.schema import ServeConfig
from unite.search.hits import Searching
from unite.search.page.routes import page_routes
from unite.search.searcher import Searcher
from unite.search.server import hosts_of, make_app, token_for
from unite.search.server.limits import DECODE_SECONDS

log = logging.getLogger(__name__)

Say = Callable[[str], None]


def open_searchers(config: ServeConfig, say: Say) -> Mapping[str, Searching]:
    """Opens one corpus or two, by the names of their encoders; without `index` it makes the built-in one first.

    Raises:
        ConfigError: if there is no finished run for the built-in case.
        DataError: if there is no corpus, or another encoder made it.
        CheckpointError: if the encoder is not there.
    """
    device = device_of_name(config.device)
    first = config.index or built_in_corpus(Path(config.runs_root), str(device), say)
    searchers: dict[str, Searching] = {}
    for folder, checkpoint in ((first, config.checkpoint), (config.index2, config.checkpoint2)):
        if folder is not None:
            log.info("opening %s", folder)
            searcher = Searcher.open(
                folder, checkpoint, instruction=config.instruction, deadline_seconds=DECODE_SECONDS, device=str(device)
            )
            taken = searcher.name in searchers
            searchers[f"{searcher.name} ({Path(folder).name})" if taken else searcher.name] = searcher
    return searchers


def build_app(config: ServeConfig, searchers: Mapping[str, Searching]) -> Starlette:
    """Returns the app: the page, and the API beside it.

    Raises:
        ConfigError: if the token is easily guessed.
        DataError: if `labels` is a file that holds no labels.
    """
    token, hosts = token_for(config.host, config.token), hosts_of(config.host, config.hosts)
    return make_app(searchers, token=token, hosts=hosts, routes=page_routes(Path(config.labels) if config.labels else None))


def shown_address(config: ServeConfig, say: Say) -> Callable[[str], None]:
    """Returns what is done with the address when the server listens: it is said, and opened where there is a browser."""

    def show(address: str) -> None:
        say(f"The search page is at {address} until Ctrl-C; the API is described at {address.partition('?')[0]}api/docs.")
        if config.labels:
            say(f"Right and wrong are kept in {config.labels}.")
        # Of a browser in the terminal, or in a session without a screen, nobody has any use.
        if config.browser and os.environ.get("DISPLAY", os.environ.get("WAYLAND_DISPLAY", "")):
            webbrowser.open(address)

    return show
