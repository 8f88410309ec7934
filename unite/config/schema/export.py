"""`python -m unite.export`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ExportPrecision(StrEnum):
    """The type of exported weights."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


@dataclass(kw_only=True)
class ExportConfig:
    """`python -m unite.export`. See `unite.export.folder`.

    Attributes:
        name: the folder in `runs_root` that keeps the log.
        run: a finished run's folder, or that of an exported encoder.
        out: the folder to write, new or empty.
        dtype: float32, bfloat16 or float16; null is that of the encoder.
        prompts: instructions by name, for encode(..., prompt_name=...); query and document are those of encode_query and encode_document.
        licence: of the weights, by the Hub's word for it (apache-2.0), for the model card; null is unknown, since no run tells it.
        push_to_hub: owner/name of a repository on the Hugging Face hub that gets the folder too; null pushes nothing.
        private: whether a repository that is made for it is private.
        runs_root: where the folders of logs lie.
        run_folder: of this run's log; a new one by default.
    """

    name: str = "export"
    run: str
    out: str
    dtype: ExportPrecision | None = None
    prompts: dict[str, str] = field(default_factory=dict)
    licence: str | None = None
    push_to_hub: str | None = None
    private: bool = True
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"
