r"""TIGER-Lab/MMEB-train: parquet rows of text and image paths, one folder a task.

    qry, qry_image_path, pos_text, pos_image_path, neg_text, neg_image_path        (the negatives only in some tasks)

    {"qry": "<|image_1|>\nRepresent the given image with the following question: What is the man by the bags awaiting?\n",
     "qry_image_path": "images/A-OKVQA/Train/A-OKVQA_image_0.jpg", "pos_text": "cab", "pos_image_path": "", "neg_text": "train", ...}

`A-OKVQA/original-00000-of-00001.parquet`, beside it `diverse_instruction-...`; images lie under a root of their own. A path or text may be
empty. Columns, rows and instructions were read in public code that loads the set, the files' names on its page; not the parquet itself.

A text begins with the image's token and the task's instruction, which is no content: an ImageNet query is an image, not an image and a
text. It becomes the content's `instruction`, so that each row has the modality that the paper counts it under, and the text keeps its
place (`unite.data.mmeb`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.lines import Record
from unite.curation.recipes.tabular_recipe import TabularRecipe, content, rest_of
from unite.data.mmeb import INSTRUCTIONS, split_instruction
from unite.errors import SkippedRowError
from unite.types import Modality

_COLUMNS = ("qry", "qry_image_path", "pos_text", "pos_image_path")
_NEGATIVE = ("neg_text", "neg_image_path")


class Mmeb(TabularRecipe):
    """Rows from MMEB-train's parquet.

    Args:
        name, licence: as in `TabularRecipe`.
        annotations: the parquet files of a task, as a glob.
        media_root: what the image paths are relative to.
        instructions: what a text may begin with that becomes its instruction; those of MMEB-train by default.
    """

    def __init__(
        self,
        name: str,
        annotations: str | Path,
        *,
        media_root: str | Path = "",
        instructions: Sequence[str] | None = None,
        licence: str = "",
    ) -> None:
        super().__init__(name, annotations, columns=[("", column) for column in _COLUMNS], licence=licence, media_root=media_root)
        self.instructions = INSTRUCTIONS if instructions is None else tuple(instructions)

    def row(self, key: str, record: Record) -> RawRow:
        """Query, positive and the negative, if there is one."""
        query = self._content(record, "qry", "qry_image_path")
        positive = self._content(record, "pos_text", "pos_image_path")
        has_negative = any(_one(record.get(column)) for column in _NEGATIVE)
        negatives = (self._content(record, *_NEGATIVE),) if has_negative else ()
        return RawRow(key, query, (positive,), negatives, self.licence, rest_of(record, (*_COLUMNS, *_NEGATIVE)))

    def _content(self, record: Record, text_column: str, image_column: str) -> RawContent:
        path = _one(record.get(image_column))
        text = _one(record.get(text_column))
        text, instruction = split_instruction(text, bool(path), self.instructions)
        return content(text, *([self.medium(Modality.IMAGE, path)] if path else []), instruction=instruction, has_places=True)


def _one(value: Any) -> str:
    """Returns the text or path of a field, which may be a list of one."""
    if isinstance(value, list):
        if len(value) > 1:
            raise SkippedRowError("several values", f"a list of {len(value)} in place of one text or path: {str(value)[:60]}")
        value = value[0] if value else ""
    if value is not None and not isinstance(value, str):
        raise SkippedRowError("unreadable record", f"{type(value).__name__} in place of a text or path")
    return value or ""
