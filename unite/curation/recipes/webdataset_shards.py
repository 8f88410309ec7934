"""Any existing WebDataset: tars in which the members of a sample share their name up to the first dot.

    000012.jpg  000012.txt  000012.json        (as img2dataset and video2dataset write them)

The first image and video members are the media, the first text member the text; a text may also be a field of the JSON. A tar whose
member would leave its folder, or that is truncated, is refused by its name.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from unite.curation.raw import RawRow
from unite.curation.recipes.annotation_files import find_files, fingerprint_files
from unite.curation.recipes.image_captions import caption_row, check_direction
from unite.curation.recipes.lines import JSON_ERRORS
from unite.curation.recipes.tabular_recipe import rest_of, text_of
from unite.data.index import IndexedSample, ShardIndex, index_shard
from unite.errors import DataError, SkippedRowError, must_be, must_be_one_of
from unite.media import KINDS
from unite.media.ready import RawMedium

_KINDS = {kind.word: kind for kind in KINDS}
_TEXTS = ("txt", "text", "caption")


class WebdatasetShards:
    """Captions and media from WebDataset tars.

    Args:
        name, licence: as in `TabularRecipe`.
        shards: a tar or a glob.
        medium: `image` or `video`.
        caption: field of the JSON member that holds the caption; "" where it is a text member.
        direction: `text_to_image`, `image_to_text` and so on; text to medium by default.
        instruction: of the query.
        licence_field: field of the JSON member with the row's own licence.
    """

    def __init__(
        self,
        name: str,
        shards: str | Path,
        *,
        medium: str = "image",
        caption: str = "",
        direction: str = "",
        instruction: str = "",
        licence: str = "",
        licence_field: str = "",
    ) -> None:
        if medium not in _KINDS:
            raise DataError(must_be_one_of(f"{name}.medium", _KINDS, medium))
        self.direction = direction or f"text_to_{medium}"
        check_direction(name, self.direction, medium)
        self.name, self.medium, self.caption, self.licence, self.licence_field = name, medium, caption, licence, licence_field
        self.instruction = instruction
        self.paths = find_files(f"{name}.shards", shards)
        fields = [field for field in (caption, licence_field) if field]
        if fields:
            _check_fields(self.paths[0], fields)

    @cached_property
    def _indices(self) -> list[ShardIndex]:
        return [index_shard(path) for path in self.paths]

    @cached_property
    def _samples(self) -> list[tuple[Path, IndexedSample]]:
        return [(path, sample) for path, index in zip(self.paths, self._indices, strict=True) for sample in index.samples]

    def __len__(self) -> int:
        return len(self._samples)

    def read(self, index: int) -> RawRow:
        """Returns the row of a sample."""
        path, sample = self._samples[index]
        fields: dict[str, Any] = {}
        if "json" in sample.members:
            try:
                fields = json.loads(self._member(path, sample, "json"))
            except JSON_ERRORS as error:
                raise SkippedRowError("unreadable record", f"{path.name}/{sample.key}.json is no JSON ({error})") from error
            if not isinstance(fields, dict):
                detail = f"{path.name}/{sample.key}.json is {type(fields).__name__}, not an object"
                raise SkippedRowError("unreadable record", detail)
        suffix = self._find(path, sample, _KINDS[self.medium].suffixes)
        medium = RawMedium(_KINDS[self.medium].modality, data=self._member(path, sample, suffix))
        if self.caption:
            text = text_of(fields, self.caption)
        else:
            member = self._find(path, sample, _TEXTS)
            try:
                text = self._member(path, sample, member).decode("utf-8").strip()
            except UnicodeDecodeError as error:
                raise SkippedRowError("not UTF-8", f"{path.name}/{sample.key}.{member}: {error}") from error
        if not text:
            raise SkippedRowError("empty field", f"the caption of {path.name}/{sample.key}")
        metadata = {"sample": f"{path.name}/{sample.key}", **rest_of(fields, (self.caption, self.licence_field))}
        licence = text_of(fields, self.licence_field) or self.licence
        return caption_row(f"{index:09d}", text, medium, self.direction, self.instruction, licence, metadata)

    def fingerprint(self) -> str:
        """Digests the tars."""
        return fingerprint_files(self.paths)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def _find(self, path: Path, sample: IndexedSample, suffixes: tuple[str, ...]) -> str:
        found = next((member for member in sample.members if member.rsplit(".", 1)[-1].lower() in suffixes), None)
        if found is None:
            raise SkippedRowError(
                "missing file", f"{path.name}/{sample.key} has {', '.join(sample.members)}, none of {', '.join(suffixes)}"
            )
        return found

    def _member(self, path: Path, sample: IndexedSample, name: str) -> bytes:
        offset, size = sample.members[name]
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)


def _check_fields(path: Path, needed: Sequence[str]) -> None:
    """Raises DataError, which lists those found, if no JSON member of a tar has a field. A tar that cannot be read is told of later."""
    found: dict[str, None] = {}
    with suppress(tarfile.TarError, EOFError), tarfile.open(path) as tar:
        for member in (member for member in tar if member.isfile() and member.name.endswith(".json")):
            with suppress(*JSON_ERRORS):
                fields = json.load(tar.extractfile(member))  # type: ignore[arg-type]  # it is a file
                found.update(dict.fromkeys(fields if isinstance(fields, dict) else ()))
            if all(field in found for field in needed):
                return
        missing = ", ".join(field for field in needed if field not in found)
        hint = f"The fields found are: {', '.join(found) or 'none'}. Name the right ones."
        raise DataError(must_be(f"the fields of the JSON in {path}", f"such that {missing} is among them", "without", hint))
