"""Any existing WebDataset: tars, gzipped or not, in which the members of a sample share their path up to the first dot of the file name.

    000012.jpg  000012.txt  000012.json        (as img2dataset and video2dataset write them)

Medium, text and JSON of a sample are the members with their extensions (`jpg`, `txt.gz`); where there are several, the one that is nothing
but such an extension, `jpg` beside `seg.jpg`. What that leaves open is not guessed: the sample is left out until an option says which.
Members that no row is made of are named in the row's metadata, what is of no sample (see `unite.data.samples`) in skipped.jsonl.
"""

from __future__ import annotations

import json
import logging
import os
import tarfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, cast

from unite.curation.raw import NO_SAMPLE, RawRow
from unite.curation.recipes.annotation_files import GZIP_ERRORS, find_tars, fingerprint_files
from unite.curation.recipes.image_captions import caption_row, check_direction
from unite.curation.recipes.lines import JSON_ERRORS
from unite.curation.recipes.sample_tar import SampleTar, is_packed, unpacked
from unite.curation.recipes.table_files import options_to_set
from unite.curation.recipes.tabular_recipe import rest_of, text_of
from unite.data.samples import Sample
from unite.data.tar_members import Member
from unite.errors import DataError, SkippedRowError, must_be, must_be_one_of
from unite.media import KINDS
from unite.media.ready import RawMedium

log = logging.getLogger(__name__)

_KINDS = {kind.word: kind for kind in KINDS}
_TEXTS = ("txt", "text", "caption")
#: In a row's metadata: the sample, and its members that no row is made of.
_SAMPLE, _UNUSED = "sample", "unused members"
#: Extensions that the log names.
_NUM_NAMED = 10


@dataclass(frozen=True)
class _Survey:
    """What is in the tars: where the samples of each begin to count, and what is of none, `tar/member: why`."""

    starts: tuple[int, ...]
    left: tuple[str, ...]


class WebdatasetShards:
    """Captions and media from WebDataset tars.

    Args:
        name, licence: as in `TabularRecipe`.
        shards: a tar, a glob, or a folder of tars.
        medium: `image` or `video`.
        caption: field of the JSON member that holds the caption; "" where it is a text member.
        direction: `text_to_image`, `image_to_text` and so on; text to medium by default.
        instruction: of the query.
        licence_field: field of the JSON member with the row's own licence.
        medium_member, text_member, json_member: the extension of each, `0.jpg`, where a sample has several.
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
        medium_member: str = "",
        text_member: str = "",
        json_member: str = "",
    ) -> None:
        if medium not in _KINDS:
            raise DataError(must_be_one_of(f"{name}.medium", _KINDS, medium))
        self.direction = direction or f"text_to_{medium}"
        check_direction(name, self.direction, medium)
        self.name, self.medium, self.caption, self.licence, self.licence_field = name, medium, caption, licence, licence_field
        self.instruction = instruction
        self.medium_member, self.text_member, self.json_member = medium_member, text_member, json_member
        self.paths = find_tars(f"{name}.shards", shards)
        fields = [(option, field) for option, field in (("caption", caption), ("licence_field", licence_field)) if field]
        if fields:
            _check_fields(name, self.paths[0], fields)

    @cached_property
    def _survey(self) -> _Survey:
        """Lists the tars one after the other, and tells once what no row is made of."""
        counts, left, unused = [], [], Counter[str]()
        for number in range(len(self.paths)):
            tar = self._tar(number)
            counts.append(len(tar.samples))
            left += [f"{tar.name}/{member.name}: {member.why}" for member in tar.left]
            for sample in tar.samples:
                with suppress(SkippedRowError):
                    unused.update(self._unused(sample, self._members(tar, sample)))
        starts = tuple(accumulate(counts, initial=0))
        if unused:
            first = ", ".join(f"{extension} ({count:,})" for extension, count in unused.most_common(_NUM_NAMED))
            log.warning("%s: of %s samples, members that no row is made of: %s", self.name, f"{starts[-1]:,}", first)
        return _Survey(starts, tuple(left))

    @cached_property
    def _tar(self) -> Callable[[int], SampleTar]:
        names = [path.name for path in self.paths]
        if len(set(names)) < len(names):  # in several folders
            names = [os.path.relpath(path, os.path.commonpath([one.parent for one in self.paths])) for path in self.paths]
        return lru_cache(maxsize=1)(lambda number: SampleTar(self.paths[number], names[number]))

    def __len__(self) -> int:
        return self._survey.starts[-1] + len(self._survey.left)

    def read(self, index: int) -> RawRow:
        """Returns the row of a sample; after the samples come the members that are of none."""
        starts = self._survey.starts
        if index >= starts[-1]:
            raise SkippedRowError(NO_SAMPLE, self._survey.left[index - starts[-1]])
        number = bisect_right(starts, index) - 1
        tar = self._tar(number)
        sample = tar.samples[index - starts[number]]
        members = self._members(tar, sample)
        fields = self._fields(tar, sample, members)
        media_name = f"{tar.name}/{members['medium'][1].name}"
        medium = RawMedium(_KINDS[self.medium].modality, data=tar.read(*members["medium"]), name=media_name)
        text = text_of(fields, self.caption) if self.caption else _text(tar, *members["text"])
        if not text:
            raise SkippedRowError("empty field", f"the caption of {tar.name}/{sample.key}")
        own = {_SAMPLE: f"{tar.name}/{sample.key}"}
        unused = ", ".join(self._unused(sample, members))
        if unused:
            own[_UNUSED] = unused
        rest = rest_of(fields, (self.caption, self.licence_field))
        metadata = own | {f"json.{name}" if name in own else name: value for name, value in rest.items()}
        licence = text_of(fields, self.licence_field) or self.licence
        return caption_row(f"{index:09d}", text, medium, self.direction, self.instruction, licence, metadata)

    def fingerprint(self) -> str:
        """Digests the tars."""
        return fingerprint_files(self.paths)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_") or name == "_survey"}

    def _members(self, tar: SampleTar, sample: Sample) -> dict[str, tuple[str, Member]]:
        """Returns a sample's medium, text and JSON, as far as they are needed or there. Raises SkippedRowError if one is not plain."""
        where = f"{tar.name}/{sample.key}"
        if sample.twice:
            names = ", ".join(member.name for extension, member in sample.members if extension.lower() in sample.twice)
            raise SkippedRowError("member twice", f"{where} has {names}")
        kind = _KINDS[self.medium]
        suffixes = kind.suffixes if _all(sample, kind.suffixes, self.medium_member) else (*kind.suffixes, *kind.also)
        found = {"medium": _find(where, sample, suffixes, "medium_member", self.medium_member)}
        if not self.caption:
            found["text"] = _find(where, sample, _TEXTS, "text_member", self.text_member)
        jsons = _all(sample, ("json",), self.json_member)
        if self.caption or len(jsons) == 1 or (self.licence_field and jsons):
            found["json"] = _find(where, sample, ("json",), "json_member", self.json_member)
        return found

    @staticmethod
    def _unused(sample: Sample, members: Mapping[str, tuple[str, Member]]) -> list[str]:
        used = {extension for extension, _ in members.values()}
        return [extension for extension, _ in sample.members if extension not in used]

    @staticmethod
    def _fields(tar: SampleTar, sample: Sample, members: Mapping[str, tuple[str, Member]]) -> dict[str, Any]:
        if "json" not in members:
            return {}
        where = f"{tar.name}/{members['json'][1].name}"
        try:
            fields = json.loads(tar.read(*members["json"]))
        except JSON_ERRORS as error:
            raise SkippedRowError("unreadable record", f"{where} is no JSON ({error})") from error
        if not isinstance(fields, dict):
            raise SkippedRowError("unreadable record", f"{where} is {type(fields).__name__}, not an object")
        return fields


def _all(sample: Sample, suffixes: Sequence[str], wanted: str) -> list[tuple[str, Member]]:
    """Returns the members with an extension that is wanted, or else those of a kind: of several the plain ones, if there are."""
    if wanted:
        return [one for one in sample.members if one[0].lower() == wanted.lower()]
    found = [one for one in sample.members if _plain(one[0]).rpartition(".")[2] in suffixes]
    return [one for one in found if "." not in _plain(one[0])] or found


def _find(where: str, sample: Sample, suffixes: Sequence[str], option: str, wanted: str) -> tuple[str, Member]:
    """Returns the member of a kind. Raises SkippedRowError if there is none, or several."""
    found = _all(sample, suffixes, wanted)
    if len(found) == 1:
        return found[0]
    if found:
        raise SkippedRowError("several members", f"{where} has {', '.join(extension for extension, _ in found)}: say which by {option}")
    has = ", ".join(extension for extension, _ in sample.members)
    raise SkippedRowError("missing file", f"{where} has {has}, none of {wanted or ', '.join(suffixes)}")


def _plain(extension: str) -> str:
    """Returns an extension in lower case, without the `.gz` of a gzipped member."""
    return extension.lower().removesuffix(".gz") if is_packed(extension) else extension.lower()


def _text(tar: SampleTar, extension: str, member: Member) -> str:
    try:
        return tar.read(extension, member).decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise SkippedRowError("not UTF-8", f"{tar.name}/{member.name}: {error}") from error


def _check_fields(name: str, path: Path, needed: Sequence[tuple[str, str]]) -> None:
    """Raises DataError, as `check_columns` does, if no JSON member of a tar has a field. A tar that cannot be read is told of later."""
    found: dict[str, None] = {}
    with suppress(tarfile.TarError, *GZIP_ERRORS), tarfile.open(path) as tar:
        for member in (member for member in tar if member.isfile() and _plain(member.name).endswith(".json")):
            with suppress(*JSON_ERRORS, SkippedRowError):
                file = cast(IO[bytes], tar.extractfile(member))  # it is a file
                fields = json.loads(unpacked(member.name, member.name, file.read()))
                found.update(dict.fromkeys(fields if isinstance(fields, dict) else ()))
            if all(field in found for _, field in needed):
                return
        missing = [field for _, field in needed if field not in found]
        hint = f"The fields found are: {', '.join(found) or 'none'}. {options_to_set(name, needed, missing)}"
        raise DataError(must_be(f"the fields of the JSON in {path}", f"such that {', '.join(missing)} is among them", "without", hint))
