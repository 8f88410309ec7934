r"""The image tasks of MMEB-V2: the 36 of MMEB with the instruction of a row in a column of its own.

    ziyjiang/MMEB_Test_Instruct/CIRR/test-00000-of-00001.parquet     the rows, one folder a task
    <qry_img_path>                                                   the images, what image-tasks/mmeb_v1.tar.gz of TIGER-Lab/MMEB-V2 holds

    {"qry_inst": "<|image_1|>\nGiven an image, find a similar everyday image with the described changes:", "qry_text": "Make it a dog.",
     "qry_img_path": "CIRR/CIRR_image_0.jpg",
     "tgt_inst": "<|image_1|>\nRepresent the given image", "tgt_text": ["", ""], "tgt_img_path": ["CIRR/CIRR_image_1.jpg", ...]}

Read in TIGER-AI-Lab/VLM2Vec at 6e1e1d4: `src/data/eval_dataset/image_{cls,qa,i2t,t2i,i2i_vg}*.py`, `process_input_text` of
`src/model/processor.py` and `generate_cand_dataset` beside the former; the parquet itself was not at hand. That code reads a task by one of
five parsers, which write what the model reads: `<image>` is the medium's token, which begins every text that has an image.

    image_cls, image_i2t    query    <image>, a blank, qry_inst, a blank and qry_text if there is one, a line break
                            candidate tgt_text alone, named by it
    image_qa                the same, qry_inst without blanks around it on a line of its own
    image_t2i               query    qry_inst, a blank, qry_text, a line break, of VisDial two
                            candidate <image>, a blank, tgt_inst, a blank and tgt_text if the row's first is not blank, a line break;
                            named by its image path alone, so that the first row's text of an image counts for all
    image_i2i_vg            query    as image_qa
                            candidate as image_t2i, without the line break if there is no text; named by path, ":" and text

A blank before a line break is left out, in all but the queries of image_t2i. So the texts become those of MMEB's first version. They are
kept in that order, with a place for the instruction: a prompt writes them as published, or takes the instruction out (docs/prompts.md).
Left out is the image's token of a query without image (WebQA).
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unite.config.schema.media import Decoding
from unite.data.mmeb import IMAGE_TOKEN
from unite.embedding.lazy import FileContent
from unite.errors import ConfigError, must_be_one_of
from unite.evaluation.layouts.mmeb_rows import LocalPools, rows_of
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.tasks import RetrievalTask
from unite.types import INSTRUCTION_PLACE, Modality, escape_places

_COLUMNS = ("qry_inst", "qry_text", "qry_img_path", "tgt_inst", "tgt_text", "tgt_img_path")
#: What a parser reads of a row; of the rest some files may be without.
_NEEDED = {
    "image_cls": ("qry_inst", "qry_text", "qry_img_path", "tgt_text"),
    "image_qa": ("qry_inst", "qry_text", "qry_img_path", "tgt_text"),
    "image_i2t": ("qry_inst", "qry_text", "qry_img_path", "tgt_text"),
    "image_t2i": ("qry_inst", "qry_text", "tgt_inst", "tgt_text", "tgt_img_path"),
    "image_i2i_vg": _COLUMNS,
}
#: Whose queries have the instruction on a line of its own.
_ON_A_LINE = ("image_qa", "image_i2i_vg")
_OTHER = "Rows whose texts begin with <|image_1|> and the instruction are those of TIGER-Lab/MMEB-eval: evaluate them by suite=mmeb."


@dataclass(frozen=True, kw_only=True)
class MmebInstruct:
    """One of MMEB-V2's image tasks.

    Attributes:
        folder: where the images lie, relative to the suite's `data_root`; their paths in rows are relative to it.
        subset: the name of the task.
        parser: by which the benchmark reads it: image_cls, image_qa, image_i2t, image_t2i or image_i2i_vg.
        rows: the folder in it that holds one folder of rows a task.
        metrics: as the field reports them.

    Raises:
        ConfigError: if there is no such parser.
    """

    folder: str
    subset: str
    parser: str
    rows: str = "ziyjiang/MMEB_Test_Instruct"
    metrics: tuple[str, ...] = ("hit@1",)

    def __post_init__(self) -> None:
        if self.parser not in _NEEDED:
            raise ConfigError(must_be_one_of(f"the parser of {self.subset}", _NEEDED, self.parser))

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `unite.evaluation.layouts.source.TaskSource`."""
        wanted = (
            f"Put the folder {self.subset} of ziyjiang/MMEB_Test_Instruct into {self.rows}, and the folder {self.subset} of what "
            "image-tasks/mmeb_v1.tar.gz of TIGER-Lab/MMEB-V2 holds beside it."
        )
        files = BenchmarkFiles(name, data_root / self.folder, wanted)
        task = LocalPools(files, files.folder)
        for where, row in rows_of(files, f"{self.rows}/{self.subset}", _NEEDED[self.parser], _COLUMNS, _OTHER):
            candidates = self._candidates(task, row, where)
            task.add(self._query(task, row, where), candidates)
        return task.task(name, tuple(self.metrics), decoding)

    def _query(self, task: LocalPools, row: dict[str, Any], where: str) -> FileContent:
        instruction = task.text(row["qry_inst"], f"qry_inst in {where}")
        if self.parser == "image_t2i":
            text = f" {escape_places(task.text(row['qry_text'], f'qry_text in {where}'))}\n"
            before, core, after = _split(re.sub(re.escape(IMAGE_TOKEN) + r"\s*", "", instruction))
            end = "\n" if self.subset == "VisDial" else ""
            return task.content(f"{before}{INSTRUCTION_PLACE if core else ''}{after}{text}{end}", "", core, where)
        path = row["qry_img_path"]
        if not path:
            raise task.files.broken(f"qry_img_path in {where}", "the path of an image", path)
        if self.parser in _ON_A_LINE:
            instruction = f"\n{instruction.replace(IMAGE_TOKEN, '').strip()}"
        text, core = _with_image(instruction, row["qry_text"] or "")
        return task.content(f"{text}\n", path, core, where)

    def _candidates(self, task: LocalPools, row: dict[str, Any], where: str) -> dict[Hashable, FileContent]:
        texts = [task.text(text, f"a text in tgt_text in {where}") for text in row["tgt_text"] or ()]
        if self.parser in ("image_cls", "image_qa", "image_i2t"):
            if not texts:
                raise task.files.broken(f"tgt_text in {where}", "at least one text", "empty")
            return {text: task.content(escape_places(text), "", "", f"a candidate in {where}") for text in texts}
        paths = row["tgt_img_path"] or ()
        if not texts or len(texts) != len(paths) or not all(paths):
            actual = f"{len(texts)} texts and {sum(map(bool, paths))} paths that are not empty"
            raise task.files.broken(f"the candidates in {where}", "at least one, with a text and the path of an image each", actual)
        instruction = task.text(row["tgt_inst"], f"tgt_inst in {where}")
        has_text = bool(texts[0].strip())  # of the row's first alone
        end = "\n" if has_text or self.parser == "image_t2i" else ""
        found: dict[Hashable, FileContent] = {}
        for text, path in zip(texts, paths, strict=True):
            name = path if self.parser == "image_t2i" else f"{path}:{text.strip(chr(34))}"
            if name not in found:
                written, core = _with_image(instruction, text if has_text else "", always=has_text)
                found[name] = task.content(f"{written}{end}", path, core, where)
        return found


def _with_image(instruction: str, text: str, always: bool = False) -> tuple[str, str]:
    """Returns the image's place, a blank, the instruction's place, a blank and the text, as published; and the instruction.

    Args:
        instruction: may hold the image's token, which is left out.
        text: no blank stands before an empty one.
        always: whether one does.
    """
    before, core, after = _split(instruction.replace(IMAGE_TOKEN, ""))
    follows = f" {escape_places(text)}" if text or always else ""
    written = f"{Modality.IMAGE.place} {before}{INSTRUCTION_PLACE if core else ''}{after}{follows}"
    return written.replace(" \n", "\n"), core.replace(" \n", "\n")


def _split(instruction: str) -> tuple[str, str, str]:
    """Returns the white space before an instruction, the instruction, and that behind it."""
    core = instruction.strip()
    before, _, after = instruction.partition(core) if core else (instruction, "", "")
    return before, escape_places(core), after
