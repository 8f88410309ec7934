"""Any Hugging Face dataset on disk, by a column map. Needs the `datasets` library (an optional extra); nothing is downloaded.

    HuggingFace("flickr", "data/flickr30k", split="train", query={"text": "caption"}, positive={"image": "image"})

A side is a map from `text`, `image`, `video`, `instruction` or `group` to a column. An image column may be of the library's Image type, a
path, bytes, or `{"bytes", "path"}`; nothing is decoded here. Lists give several media or, for a text alone, several contents: of a
positive or negative, a query is one. `a.b` is field b of the object in column a (SQuAD's `answers.text`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.annotation_files import fingerprint_files
from unite.curation.recipes.huggingface_folder import open_folder
from unite.curation.recipes.table_files import check_columns
from unite.curation.recipes.tabular_recipe import content, field_of, media_folder, rest_of, text_of
from unite.errors import ConfigError, SkippedRowError, must_be_one_of
from unite.media import KINDS
from unite.media.ready import RawMedium
from unite.types import Modality

_MEDIA = {kind.word: kind.modality for kind in KINDS}
_COLUMNS = ("text", *_MEDIA, "instruction", "group")
_Side = Mapping[str, str]


class HuggingFace:
    """Rows from a dataset saved by `save_to_disk`, or from a folder as on the hub (`data/train-*.parquet`).

    Args:
        name, licence, media_root: as in `TabularRecipe`.
        folder: of the dataset.
        query, positive: column maps.
        negatives: a column map for each negative.
        split: of a dataset with several.
        subset: of a folder as on the hub, if it has several.

    Raises:
        ConfigError: if `datasets` is not installed, or a map names a kind that does not exist.
        DataError: if there is no dataset, no such split, or a column is missing; the message lists those found.
    """

    def __init__(
        self,
        name: str,
        folder: str | Path,
        *,
        query: _Side,
        positive: _Side,
        negatives: Sequence[_Side] = (),
        split: str = "train",
        subset: str = "",
        licence: str = "",
        media_root: str | Path = "",
    ) -> None:
        self.name, self.folder, self.split, self.subset, self.licence = name, Path(folder), split, subset, licence
        self.media_root = media_folder(name, media_root, self.folder)
        self.query, self.positive, self.negatives = dict(query), dict(positive), [dict(side) for side in negatives]
        named = [("query", self.query), ("positive", self.positive), *(("negatives", side) for side in self.negatives)]
        for option, kind in ((option, kind) for option, side in named for kind in side if kind not in _COLUMNS):
            raise ConfigError(must_be_one_of(f"a kind in {name}.{option}", _COLUMNS, kind))
        columns = [
            (option if option == "negatives" else f"{option}.{kind}", column) for option, side in named for kind, column in side.items()
        ]
        self._used = {part for _, column in columns for part in (column, column.split(".")[0])}
        self.table, self._paths = open_folder(name, self.folder, split, subset)
        check_columns(name, self.table, columns)

    def __len__(self) -> int:
        return len(self.table)

    def read(self, index: int) -> RawRow:
        """Returns the row of a record."""
        record = self.table[index]
        query = self._contents(record, self.query)
        positives = self._contents(record, self.positive)
        negatives = tuple(one for side in self.negatives for one in self._contents(record, side))
        if not query or not positives:
            raise SkippedRowError("empty content", "the query or positive holds neither text nor medium")
        if len(query) > 1:
            raise SkippedRowError("several queries", f"{self.query['text']} is a list of {len(query)} texts: a row has one query")
        return RawRow(f"{index:09d}", query[0], positives, negatives, self.licence, rest_of(record, self._used))

    def fingerprint(self) -> str:
        """Digests the files."""
        return fingerprint_files(self._paths)

    def _contents(self, record: Mapping[str, Any], side: _Side) -> tuple[RawContent, ...]:
        fields = {kind: field_of(record, column) for kind, column in side.items()}
        media = [self._medium(_MEDIA[kind], one) for kind in _MEDIA for one in _listed(fields.get(kind))]
        texts = [text for one in _listed(fields.get("text")) if (text := text_of({side["text"]: one}, side["text"]))]
        instruction, group = text_of(fields, "instruction"), text_of(fields, "group")
        if media:
            return (content("\n".join(texts), *media, instruction=instruction, group=group),)
        return tuple(content(text, instruction=instruction, group=group) for text in texts)

    def _medium(self, modality: Modality, value: Any) -> RawMedium:
        called = ""
        if isinstance(value, Mapping):
            called = str(value.get("path") or "")
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes):
            return RawMedium(modality, data=value, name=called)
        if not isinstance(value, str) or not value:
            raise SkippedRowError("unreadable record", f"a {modality} is {type(value).__name__}, neither path nor bytes")
        return RawMedium(modality, str(self.media_root / value))


def _listed(value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if one is not None]
