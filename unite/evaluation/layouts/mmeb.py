r"""MMEB (VLM2Vec, arXiv 2410.05160): 36 tasks, a folder of parquet each, every query with its own candidates, the first of them right.

    ImageNet-1K/test-00000-of-00001.parquet     qry_text, qry_img_path, tgt_text (list), tgt_img_path (list)
    eval_images/<qry_img_path>                  the images, of all tasks

    {"qry_text": "<|image_1|>\nRepresent the given image for classification\n", "qry_img_path": "ImageNet-1K/ImageNet-1K_image_0.jpg",
     "tgt_text": ["sea snake", "tench", ...], "tgt_img_path": ["", "", ...]}

Columns, file names and how a row is scored (the first of its candidates is right, hit@1) were read in public code that loads
TIGER-Lab/MMEB-eval: `src/dataset.py` and `eval.py` of haon-chen/mmE5, which follow VLM2Vec's first version; not in the parquet itself.

A text begins with the image's token and the task's instruction. That becomes the content's instruction, as in the rows that training reads,
so that a task has the modality the paper counts it under: an ImageNet query is an image, not an image and a text. The text keeps the places
of both, so that UNITE's and VLM2Vec's prompts write it as published (`unite.data.mmeb`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unite.config.schema.media import Decoding
from unite.data.mmeb import split_instruction
from unite.embedding.lazy import FileContent
from unite.evaluation.layouts.captions import task_of
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.tasks import RetrievalTask
from unite.types import Modality

_COLUMNS = ("qry_text", "qry_img_path", "tgt_text", "tgt_img_path")
#: Rows read at a time: one holds up to a thousand candidates.
_ROWS = 64


@dataclass(frozen=True, kw_only=True)
class Mmeb:
    """One of MMEB's tasks.

    Candidates that a row names twice count once, so that a wrong one that equals the right one is right; the published code gives the
    first of equals the same credit.

    Attributes:
        folder: where MMEB-eval lies, relative to the suite's `data_root`.
        subset: the name of the task's folder in it.
        images: the folder in it that the image paths are relative to.
        metrics: as the field reports them.
    """

    folder: str
    subset: str
    images: str = "eval_images"
    metrics: tuple[str, ...] = ("hit@1",)

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `unite.evaluation.layouts.source.TaskSource`."""
        wanted = f"Put the folder {self.subset} of TIGER-Lab/MMEB-eval there, and what its images.zip holds into {self.images}."
        files = BenchmarkFiles(name, data_root / self.folder, wanted)
        images = files.find(self.images)
        queries: dict[str, FileContent] = {}
        candidates: dict[tuple[str, str], str] = {}
        contents: dict[str, FileContent] = {}
        pools: dict[str, list[str]] = {}
        for at, row in enumerate(_rows(files, self.subset)):
            where = f"row {at} of {self.subset}"
            query = f"q{at:05d}"
            queries[query] = _content(files, images, row["qry_text"], row["qry_img_path"], where)
            texts, paths = row["tgt_text"], row["tgt_img_path"]
            if not texts or len(texts) != len(paths or ()):
                actual = f"{len(texts or ())} texts and {len(paths or ())} paths"
                raise files.broken(f"the candidates in {where}", "at least one, with a text and a path each", actual)
            pool: dict[str, None] = {}
            for key in zip(texts, paths, strict=True):
                if key not in candidates:
                    candidates[key] = f"c{len(candidates):06d}"
                    contents[candidates[key]] = _content(files, images, *key, f"a candidate in {where}")
                pool[candidates[key]] = None
            pools[query] = list(pool)
        files.check(path for side in (queries, contents) for one in side.values() for _, path in one.media)
        relevance = {query: {pool[0]: 1} for query, pool in pools.items()}
        sides = ((queries, _modality(queries)), (contents, _modality(contents)))
        return task_of(name, *sides, relevance=relevance, metrics=tuple(self.metrics), decoding=decoding, pools=pools, ties="argmax")


def _rows(files: BenchmarkFiles, subset: str) -> Iterator[dict[str, Any]]:
    """Yields the rows of a task's parquet files, in the order of their names."""
    folder = files.find(subset)
    paths = sorted(folder.glob("test-*.parquet"))
    for path in paths or [files.find(f"{subset}/test-00000-of-00001.parquet")]:
        try:
            table = pq.ParquetFile(path)
            missing = [column for column in _COLUMNS if column not in table.schema_arrow.names]
            if missing:
                found = ", ".join(table.schema_arrow.names)
                raise files.broken(f"the columns of {path}", f"such that {', '.join(missing)} is among them", found)
            for batch in table.iter_batches(_ROWS, columns=list(_COLUMNS)):
                yield from batch.to_pylist()
        except (OSError, pa.ArrowInvalid) as error:
            raise files.broken(f"the file {path}", "parquet", str(error)) from error


def _content(files: BenchmarkFiles, images: Path, text: str | None, path: str | None, where: str) -> FileContent:
    written, instruction = split_instruction(text or "", bool(path))
    content = FileContent(written, ((Modality.IMAGE, images / path),) if path else (), instruction)
    if not content.modality:
        raise files.broken(where, "a text, an image or both", f"the text {text!r} without image")
    return content


def _modality(contents: dict[str, FileContent]) -> Modality:
    """Returns what the contents are made of, all together: a few rows of a task may lack the text that the others have."""
    modality = Modality(0)
    for one in contents.values():
        modality |= one.modality
    return modality
