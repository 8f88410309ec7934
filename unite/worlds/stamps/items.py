"""The curated drawings, as rows and tasks are made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unite.data.rows import StoredContent
from unite.data.shards import ShardReader
from unite.files import read_lines
from unite.types import escape_places


@dataclass(frozen=True)
class Item:
    """A drawing or an animation that curation kept.

    Attributes:
        concept, caption, translations, keywords: as in `Drawing`, texts as they go into a content.
    """

    concept: str
    caption: str
    translations: Mapping[str, str]
    keywords: str
    _reader: ShardReader
    _position: int

    @property
    def group(self) -> str:
        """Of all that shows or tells the concept."""
        return f"stamps/{self.concept}"

    def shown(self) -> StoredContent:
        """Returns the picture or the clip; read when it is asked for."""
        (positive,) = self._reader.read(self._position).positives
        return StoredContent(media=positive.media, group=self.group)

    def told(self, text: str) -> StoredContent:
        """Returns a text of it."""
        return StoredContent(text, group=self.group)


def read_items(folder: Path) -> list[Item]:
    """Returns the items of a curated source, in the order of its shards; none where curation left none.

    Args:
        folder: of its shards, rows from text to medium.
    """
    if not folder.is_dir():
        return []
    reader = ShardReader.of_folder(folder)
    lines = (line for path in sorted(folder.glob("*.rows.jsonl")) for line in read_lines(path))
    return [_item(line["metadata"], reader, position) for position, line in enumerate(lines)]


def _item(told: Mapping[str, str], reader: ShardReader, position: int) -> Item:
    translations = {language: escape_places(text) for language, text in json.loads(told["translations"]).items()}
    caption = reader.read(position).query.text
    return Item(told["concept"], caption, translations, escape_places(told.get("keywords", "")), reader, position)
