"""The UNITE authors' JSON: one list of rows `{"query", "candidate", "negative"?, "target_modal"?}`.

    {"query":     {"text"?: str, "image"?: str | [str], "video"?: str | [str]},
     "candidate": {the same},
     "negative"?: {the same},
     "target_modal"?: "text" | "image" | "video" | "text,image" | "text,video"}

Texts may hold the placeholders `<|IMAGE|>` and `<|VIDEO|>` where a medium goes; media are paths. Read from the authors' public code. A
row that it would read silently wrong is left out here: an unknown modality name, a candidate that is not what `target_modal` says, a
placeholder too many. A text beside a medium without a placeholder keeps its medium, which then stands first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.lines import Record
from unite.curation.recipes.tabular_recipe import TabularRecipe, content, rest_of, text_of
from unite.errors import DataError, SkippedRowError
from unite.media import KINDS
from unite.media.ready import RawMedium
from unite.types import Modality, escape_places

_SIDES = ("query", "candidate", "negative", "target_modal")
_PLACES = tuple(kind.modality.place for kind in KINDS)


class UniteJson(TabularRecipe):
    """Rows from the authors' JSON (or the same rows as JSON Lines).

    Args:
        name, annotations, licence, media_root: as in `TabularRecipe`.
        instruction: of every query; the authors' rows carry theirs in the text.
    """

    def __init__(
        self, name: str, annotations: str | Path, *, instruction: str = "", licence: str = "", media_root: str | Path = ""
    ) -> None:
        super().__init__(name, annotations, columns=(("", "query"), ("", "candidate")), licence=licence, media_root=media_root)
        self.instruction = instruction

    def row(self, key: str, record: Record) -> RawRow:
        """Query, candidate and the negative, if there is one."""
        positive = self._content("candidate", record)
        target = text_of(record, "target_modal")
        if target:
            self._check_target(target, positive)
        negatives = (self._content("negative", record),) if record.get("negative") else ()
        query = self._content("query", record, self.instruction)
        return RawRow(key, query, (positive,), negatives, self.licence, rest_of(record, _SIDES))

    def _content(self, side: str, record: Record, instruction: str = "") -> RawContent:
        fields = record.get(side)
        if not isinstance(fields, Mapping):
            raise SkippedRowError("unreadable record", f"{side} is {type(fields).__name__}, not an object")
        unknown = set(fields) - {"text", *(kind.word for kind in KINDS)}
        if unknown:
            known = ", ".join(["text", *(kind.word for kind in KINDS)])
            raise SkippedRowError("unreadable record", f"{side} holds {', '.join(sorted(unknown))}, not only {known}")
        text = escape_places(text_of(fields, "text"), but=_PLACES)
        media: dict[str, list[RawMedium]] = {}
        for kind in KINDS:
            place, paths = kind.modality.place, _paths(fields.get(kind.word))
            if text.count(place) not in (0, len(paths)):
                raise SkippedRowError("placeholders", f"{side} has {text.count(place)} {place} for {len(paths)} paths")
            media[place] = [self.medium(kind.modality, path) for path in paths]
        # In the order of the places in the text; a kind without places stands first.
        unplaced = [medium for place, of_kind in media.items() if place not in text for medium in of_kind]
        found = [one for place, of_kind in media.items() for one in zip(_find(text, place), of_kind, strict=False)]
        placed = sorted(found, key=lambda pair: pair[0])
        return content(text, *unplaced, *(medium for _, medium in placed), instruction=instruction, has_places=True)

    @staticmethod
    def _check_target(target: str, positive: RawContent) -> None:
        try:
            wanted = Modality.parse(target)
        except DataError as error:
            raise SkippedRowError("unknown modality", str(error)) from error
        if positive.modality != wanted:
            raise SkippedRowError("wrong modality", f"target_modal is {target}, but the candidate is {positive.modality}")


def _paths(value: Any) -> list[str]:
    paths = [value] if isinstance(value, str) else value or []
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise SkippedRowError("unreadable record", f"media are {str(value)[:60]}, neither a path nor a list of paths")
    return [path for path in paths if path]


def _find(text: str, place: str) -> list[int]:
    return [found.start() for found in re.finditer(re.escape(place), text)]
