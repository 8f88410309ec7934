"""A training row as it lies in a shard: texts as they are, media still encoded (PNG, JPEG, MP4 bytes).

In the tar a row is one JSON member and one member a medium:

    000012.json   {"query": {"text": "...", "media": [{"member": "0.png", "modality": "image"}]},
                   "positives": [{"text": "..."}], "negatives": []}
    000012.0.png

A row without positives holds a single content: so are an evaluation task's queries and candidates stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unite.errors import DataError, must_be
from unite.types import Modality, modality_of, utf8

#: Made once: `json.dumps` makes one for each row.
_to_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


@dataclass(frozen=True)
class StoredMedium:
    """An encoded image or video: its bytes, and the file extension that tells the format (`png`, `jpg`, `mp4`)."""

    modality: Modality
    data: bytes
    extension: str


@dataclass(frozen=True)
class StoredContent:
    """A `Content` whose media are not decoded yet; the fields mean the same.

    What people wrote goes through `unite.types.escape_places` first, so that a `<|IMAGE|>` of theirs is no place of a medium.

    `labels` say which group the content is of, by attribute (`{"gender": "woman"}`), for `unite.audit` alone: no encoder sees them.
    """

    text: str = ""
    media: tuple[StoredMedium, ...] = ()
    instruction: str = ""
    group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def modality(self) -> Modality:
        """As of `Content`."""
        return modality_of(self.text, (medium.modality for medium in self.media))


@dataclass(frozen=True)
class NamedContent(StoredContent):
    """One that brings what to call it in an error."""

    name: str = ""


@dataclass(frozen=True)
class Row:
    """An `Example` whose media are not decoded yet. `key` must be unique in its shard folder and hold no dot or slash."""

    key: str
    query: StoredContent
    positives: tuple[StoredContent, ...] = ()
    negatives: tuple[StoredContent, ...] = ()


def to_members(row: Row) -> dict[str, bytes]:
    """Returns the row's tar members by extension (`json`, `0.png`, ...). Equal media are stored once."""
    members: dict[str, bytes] = {}
    names: dict[tuple[bytes, str], str] = {}

    def content(stored: StoredContent) -> dict[str, Any]:
        media = []
        for medium in stored.media:
            name = names.setdefault((medium.data, medium.extension), f"{len(names)}.{medium.extension}")
            members[name] = medium.data
            media.append({"member": name, "modality": str(medium.modality)})
        fields: dict[str, Any] = {"text": stored.text, "media": media, "instruction": stored.instruction, "group": stored.group}
        fields["labels"] = dict(stored.labels)
        return {name: value for name, value in fields.items() if value}

    if not row.key or set(row.key) & {".", "/"}:
        raise DataError(must_be("the key of a row", "a name without dot or slash", row.key))
    text = {
        "query": content(row.query),
        "positives": [content(stored) for stored in row.positives],
        "negatives": [content(stored) for stored in row.negatives],
    }
    return {"json": utf8(_to_json(text)), **members}


def labels_of(fields: Any) -> dict[str, str]:
    """Returns labels as they were read from JSON, attribute -> group. Raises TypeError if they are something else."""
    if not isinstance(fields, dict) or not all(isinstance(group, str) and group for group in fields.values()):
        raise TypeError(f"labels are {fields!r}, and not a group's name for each attribute")
    return {attribute: fields[attribute] for attribute in fields}


def from_members(key: str, members: Mapping[str, bytes]) -> Row:
    """Reads a row back from its tar members.

    Raises:
        DataError: if the JSON is missing or not of the row format, a text is no Unicode, or a member that it names is not there.
    """
    if "json" not in members:
        raise DataError(must_be(f"sample {key}", "a row with a .json member", sorted(members)))

    def content(fields: Mapping[str, Any]) -> StoredContent:
        media = []
        for medium in fields.get("media", ()):
            name = medium["member"]
            if name not in members:
                raise DataError(must_be(f"a medium of sample {key}", f"one of its members {sorted(members)}", name))
            extension = name.rsplit(".", 1)[-1]
            media.append(StoredMedium(Modality.parse(medium["modality"]), members[name], extension))
        texts = [fields.get(name, "") for name in ("text", "instruction", "group")]
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"a text is {type(text).__name__}")
            utf8(text)
        return StoredContent(texts[0], tuple(media), texts[1], texts[2], labels_of(fields.get("labels", {})))

    try:
        fields = json.loads(members["json"])
        return Row(
            key,
            content(fields["query"]),
            tuple(content(stored) for stored in fields.get("positives", ())),
            tuple(content(stored) for stored in fields.get("negatives", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"sample {key} is not in the row format ({error!r}): {members['json'][:200]!r}") from error
    except DataError as error:
        raise DataError(f"sample {key}: {error}") from error
