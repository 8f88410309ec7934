"""The stamps as a source or a suite asks for them: they are there, or it is said how they are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unite.config.schema.world import StampsWorldConfig
from unite.errors import DataError, must_be


class StampsWorld:
    """The set that `python -m unite.worlds.stamps` made. It is never fetched by the way: a training needs no network.

    Args:
        config: the options, each documented there.

    Attributes:
        folder: where it lies.
    """

    #: Of its parts; which is of which says docs/stamps.md.
    licence = "GPL-2.0-only AND MIT AND CC-BY-SA-4.0 AND LicenseRef-public-domain"
    languages = ("en", "de", "es", "fr", "it", "nl", "pl", "pt", "ru", "uk", "sv", "da", "fi", "hu", "ja", "ko", "zh")

    def __init__(self, config: StampsWorldConfig) -> None:
        self.folder = Path(config.root) / "stamps"

    def prepare(self) -> None:
        """Raises DataError if the set is not there."""
        if not (self.folder / "manifest.json").is_file():
            hint = f"Make it with `python -m unite.worlds.stamps data_root={self.folder.parent}`."
            raise DataError(must_be("the stamps", "made before they are read", str(self.folder), hint))

    def texts(self) -> Iterator[str]:
        """Yields every training text once. Raises DataError if the set is not there."""
        self.prepare()
        with (self.folder / "texts.txt").open(encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file)
