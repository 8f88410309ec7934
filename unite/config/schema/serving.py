"""`python -m unite.search`."""

from __future__ import annotations

from dataclasses import dataclass, field

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class ServeConfig:
    """A search page, and the API beside it. See `unite.search.page` and `unite.search.server`.

    Attributes:
        name: the folder in `runs_root` that keeps the log.
        index: the folder of a stored corpus, indexed or not; null is the built-in case: the pictures and clips of the emoji world, embedded
            by the newest finished run that was trained on it, in that run's folder.
        index2: another one, of a second encoder: each query is asked of both, side by side.
        checkpoint, checkpoint2: the encoder that made the corpus, where it is no longer at the address that the corpus keeps.
        labels: a file to which clicks on right and wrong are added, and beside which their media are kept; null keeps none.
        instruction: what to retrieve, of every query.
        host: address that is listened on; by any other than this machine's own it is reached from elsewhere, and then with a token.
        port: 0 takes any that is free.
        token: that must come with every request; null makes one where others may reach the server, and asks for none on this machine alone.
        hosts: further names by which the server is called, that of a proxy before it, say.
        browser: whether a browser is opened, where there is one.
        device: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:<number>`.
        runs_root: where run folders lie.
        run_folder: of this run; a new one by default.

    Raises:
        ConfigError: if the port is none, or `index2` stands alone.
    """

    name: str = "search"
    index: str | None = None
    index2: str | None = None
    checkpoint: str | None = None
    checkpoint2: str | None = None
    labels: str | None = None
    instruction: str = ""
    host: str = "127.0.0.1"
    port: int = 7860
    token: str | None = None
    hosts: list[str] = field(default_factory=list)
    browser: bool = True
    device: str = "auto"
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(must_be("port", "from 0 to 65535", self.port))
        if self.index2 is not None and self.index is None:
            raise ConfigError(must_be("index2", "given beside index", "alone", "Say index=... for the first encoder."))
