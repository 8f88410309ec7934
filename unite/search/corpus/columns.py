"""Which columns of a table are the text, the media and the id of its rows: as told, or guessed by their names. The rest is metadata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unite.config.schema.embed import ColumnsConfig
from unite.errors import ConfigError, must_be, must_be_one_of
from unite.search.corpus.rows import Scalar, kind_of_value

#: What columns are usually called; the first that is there is taken. A name in capitals is the same.
_USUAL = {
    "text": ("text", "caption", "description", "content", "body", "sentence", "title", "prompt"),
    "image": ("image", "image_path", "image_file", "file_name", "filename", "file", "img", "picture", "photo", "jpg", "png", "images"),
    "video": ("video", "video_path", "video_file", "clip", "mp4", "videos"),
    "id": ("id", "_id", "row_id", "doc_id", "docid", "uid", "uuid", "key", "__key__"),
}
ROLES = tuple(_USUAL)
#: Numbers as text, as CSV has them. One with a zero before it (a postal code) is none.
_INT, _FLOAT = re.compile(r"-?(0|[1-9]\d{0,17})"), re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_BOOLS = {"true": True, "false": False}
#: From a type to those that hold all that it does.
_WIDER = {"": "bool int64 double string", "bool": "string", "int64": "double string", "double": "string", "string": ""}


@dataclass(frozen=True)
class Columns:
    """The columns of a table by what they are.

    Attributes:
        text, image, video, id: their names, "" where there is none.
        renamed: metadata's column -> its name in the corpus.
        guessed: the roles that nobody named.
    """

    text: str
    image: str
    video: str
    id: str
    renamed: Mapping[str, str]
    guessed: Sequence[str]

    def told(self) -> str:
        """Returns a few words on what was taken for what."""
        named = [f"{role} from {column!r}" for role in ROLES if (column := getattr(self, role))]
        rest = ", ".join(self.renamed.values())
        return f"{', '.join(named)}; metadata: {rest or 'none'}"


def choose_columns(names: Sequence[str], config: ColumnsConfig, where: str) -> Columns:
    """Returns what columns are.

    Args:
        names: those of the table, and `a.b` for field b of the objects in column a.
        config: what was told.
        where: the table, for errors.

    Raises:
        ConfigError: if one that was told is not there, or there is neither a text nor a medium.
    """
    tops = [name for name in names if "." not in name]
    chosen: dict[str, str] = {}
    guessed = []
    for role in ROLES:
        told = getattr(config, role)
        if told and told not in names:
            raise ConfigError(must_be_one_of(f"columns.{role}", names, told, f"Those are the columns of {where}."))
        if told is None:
            told = usual_column(role, [name for name in tops if name not in chosen.values()])
            guessed += [role] if told else []
        chosen[role] = told
    if not (chosen["text"] or chosen["image"] or chosen["video"]):
        hint = "Name what is embedded: columns.text=..., columns.image=... or columns.video=..."
        raise ConfigError(must_be(f"the columns of {where}", "such that one is a text, an image or a video", ", ".join(names), hint))
    unknown = [name for name in (*config.drop, *config.rename) if name not in names]
    if unknown:
        raise ConfigError(must_be_one_of("columns.drop and columns.rename", names, unknown[0], f"Those are the columns of {where}."))
    # A dot in the name of a column itself: it is kept, so that it is refused with the way out, and not lost without a word.
    dotted = [name for name in names if "." in name and name.partition(".")[0] not in names]
    kept = [name for name in (*tops, *dotted) if name not in chosen.values() and name not in config.drop and name.strip()]
    return Columns(**chosen, renamed={name: config.rename.get(name, name) for name in kept}, guessed=guessed)


def usual_column(role: str, names: Sequence[str]) -> str:
    """Returns the column that by its name is of a role, "" if none is."""
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[usual] for usual in _USUAL[role] if usual in lower), "")


class Types:
    """The types of columns, learned from their values: of text that CSV has, what it says."""

    def __init__(self, names: Iterable[str], *, of_text: bool) -> None:
        self._of_text = of_text
        self._kinds = dict.fromkeys(names, "")
        self._nested: set[str] = set()

    def learn(self, record: Mapping[str, Any], *, of_new: bool = False) -> None:
        """Looks at a record; `of_new` takes up columns that were not there before."""
        if of_new:
            self._kinds = {**dict.fromkeys(record, ""), **self._kinds}
        for name in self._kinds:
            value = record.get(name)
            if value is None or value == "":
                continue
            kind = (text_kind(value) if self._of_text and isinstance(value, str) else kind_of_value(value)) or ""
            self._nested |= set() if kind else {name}
            self._kinds[name] = common(self._kinds[name], kind)

    @property
    def kinds(self) -> dict[str, str]:
        """Of the columns that hold values of metadata; nested ones are left out, empty ones are strings."""
        return {name: kind or "string" for name, kind in self._kinds.items() if kind or name not in self._nested}


def common(one: str, other: str) -> str:
    """Returns the least type that holds all values of both."""
    if one == other or other in _WIDER[one].split():
        return other
    return one if one in _WIDER[other].split() else "string"


def text_kind(value: str) -> str:
    """Returns the type of what a text says."""
    value = value.strip()
    if value.lower() in _BOOLS:
        return "bool"
    return "int64" if _INT.fullmatch(value) else "double" if _FLOAT.fullmatch(value) else "string"


def cast(value: Any, kind: str) -> Scalar | None:
    """Returns a value as one of a column's type; None of one that is empty, nested, or says something else."""
    if value is None or value == "" or not kind_of_value(value):
        return None
    try:
        if kind == "string":
            return str(value)
        if kind == "bool":
            return value if isinstance(value, bool) else _BOOLS.get(str(value).strip().lower())
        return int(value) if kind == "int64" else float(value)
    except (ValueError, OverflowError):
        return None
