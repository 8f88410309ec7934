"""Any Hugging Face dataset on disk, by a column map. Needs the `datasets` library (an optional extra); nothing is downloaded.

    HuggingFace("flickr", "data/flickr30k", split="train", query={"text": "caption"}, positive={"image": "image"})

A side is a map from `text`, `image`, `video`, `instruction` or `group` to a column. An image column may be of the library's Image type, a
path, bytes, or `{"bytes", "path"}`; nothing is decoded here. Lists give several media or, for a text alone, several contents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.tabular_recipe import content, rest_of, text_of
from unite.errors import ConfigError, DataError, SkippedRowError, must_be, must_be_one_of
from unite.media import KINDS
from unite.media.ready import RawMedium
from unite.types import Modality

_MEDIA = {kind.word: kind.modality for kind in KINDS}
_COLUMNS = ("text", *_MEDIA, "instruction", "group")
_Side = Mapping[str, str]


class HuggingFace:
    """Rows from a dataset saved by `save_to_disk`, or from files that `load_dataset` reads (parquet, arrow).

    Args:
        name, licence, media_root: as in `TabularRecipe`.
        folder: of the dataset.
        query, positive: column maps.
        negatives: a column map for each negative.
        split: of a dataset with several.

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
        licence: str = "",
        media_root: str | Path = "",
    ) -> None:
        self.name, self.folder, self.split, self.licence = name, Path(folder), split, licence
        self.media_root = Path(media_root) if media_root else self.folder
        self.query, self.positive, self.negatives = dict(query), dict(positive), [dict(side) for side in negatives]
        sides = (self.query, self.positive, *self.negatives)
        for kind in (kind for side in sides for kind in side if kind not in _COLUMNS):
            raise ConfigError(must_be_one_of(f"a side of recipe {name}", _COLUMNS, kind))
        self._used = {column for side in sides for column in side.values()}
        missing = sorted(self._used - set(self._dataset.column_names))
        if missing:
            hint = f"The columns found are: {', '.join(self._dataset.column_names)}."
            raise DataError(must_be(f"the columns of {folder}", f"such that {', '.join(missing)} is among them", "without", hint))

    @cached_property
    def _dataset(self) -> Any:
        try:
            import datasets
        except ImportError as error:
            raise ConfigError("recipe HuggingFace needs the library `datasets`, which is not installed: pip install datasets.") from error
        try:
            whole = datasets.load_from_disk(str(self.folder))
        except (OSError, ValueError) as error:
            raise DataError(must_be(f"{self.name}.folder", "a dataset saved by `save_to_disk`", f"{self.folder} ({error})")) from error
        if isinstance(whole, datasets.DatasetDict):
            if self.split not in whole:
                raise DataError(must_be_one_of(f"the split of {self.folder}", whole, self.split))
            whole = whole[self.split]
        for column, feature in whole.features.items():
            if hasattr(feature, "decode"):  # of the library's Image, Video and Audio: nothing is decoded here
                whole = whole.cast_column(column, type(feature)(decode=False))
        return whole

    def __len__(self) -> int:
        return len(self._dataset)

    def read(self, index: int) -> RawRow:
        """Returns the row of a record."""
        record = self._dataset[index]
        query = self._contents(record, self.query)
        positives = self._contents(record, self.positive)
        negatives = tuple(one for side in self.negatives for one in self._contents(record, side))
        if not query or not positives:
            raise SkippedRowError("empty content", "the query or positive holds neither text nor medium")
        return RawRow(f"{index:09d}", query[0], positives, negatives, self.licence, rest_of(record, self._used))

    def fingerprint(self) -> str:
        """Returns the fingerprint that `datasets` gives it."""
        return str(self._dataset._fingerprint)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_dataset"}

    def _contents(self, record: Mapping[str, Any], side: _Side) -> tuple[RawContent, ...]:
        media = [
            self._medium(_MEDIA[kind], one) for kind in _MEDIA if kind in side for one in _listed(record[side[kind]]) if one is not None
        ]
        texts = [text for one in _listed(record[side["text"]]) if (text := text_of({"text": one}, "text"))] if "text" in side else []
        instruction, group = (text_of(record, side[kind]) if kind in side else "" for kind in ("instruction", "group"))
        if media:
            return (content("\n".join(texts), *media, instruction=instruction, group=group),)
        return tuple(content(text, instruction=instruction, group=group) for text in texts)

    def _medium(self, modality: Modality, value: Any) -> RawMedium:
        if isinstance(value, Mapping):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes):
            return RawMedium(modality, data=value)
        if not isinstance(value, str) or not value:
            raise SkippedRowError("unreadable record", f"a {modality} is {type(value).__name__}, neither path nor bytes")
        return RawMedium(modality, str(self.media_root / value))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
