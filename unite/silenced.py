"""What libraries say that a user can do nothing about, by name and with the reason; all else that they say comes through.

    silence()            at the beginning of a command, for the whole process
    with silenced():     within a block, in somebody else's program

A library speaks by Python's warnings or by a logger. W&B does by neither: its settings tell it (`unite.training.loggers`).
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """Something that a library says.

    Attributes:
        by: the logger that says it; `warnings` for one of Python's warnings.
        text: a pattern of how it begins.
        reason: why nothing is to be done about it.
    """

    by: str
    text: str
    reason: str


_LIGHTNING, _FABRIC = "pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.distributed"

SILENCED = (
    Said("warnings", "Using ModelCheckpoint with manual optimization", "checkpoints are meant to hold the state after the step"),
    Said("warnings", r"The number of training batches .* is smaller than the logging interval", "the last row of a stage is always logged"),
    Said("warnings", "You're resuming from a checkpoint that ended before the epoch ended", "the mixture goes on with its next batch"),
    Said("warnings", r"`isinstance\(treespec, LeafSpec\)` is deprecated", "between Lightning and torch"),
    Said("warnings", r"Checkpoint directory .* exists and is not empty", "a resumed run goes on in its own"),
    Said("warnings", r"Found \d+ module\(s\) in eval mode at the start of training", "frozen towers are meant to be, and nothing else is"),
    Said("warnings", "Corrupt EXIF data", "the picture is read all the same, and the line does not name its file"),
    Said("warnings", "Tag data larger than file", "likewise"),
    Said("warnings", r"`\w*gradient_checkpointing\w*` is deprecated", "peft calls it so, and transformers 5.17 knows no other name"),
    Said("transformers.configuration_utils", "You are using a model of type `unite_qwen2_vl`", "it is a Qwen2-VL, and is loaded as one"),
    Said(
        "transformers.modeling_rope_utils",
        r"Unrecognized keys in `rope_parameters` for 'rope_type'='default': \{'mrope_section'\}",
        "said of flat configs, as UNITE's released ones; the model reads them all the same",
    ),
    Said("transformers.modeling_utils", ".* LOAD REPORT", "a language-model head is not used, and what is missing is checked here"),
    Said(
        "transformers.modeling_utils",
        r"\w+ does not expose input embeddings",
        "a tower is given pixels, and what is trained in it has its gradient",
    ),
    Said(
        "bitsandbytes.backends.cpu.ops",
        "Failed to load CPU gemm_4bit_forward",
        "it makes the weights and multiplies",
    ),
    Said(
        "uvicorn.error",  # that is where it says all that it does
        r"(Started|Finished) server process|Waiting for application |Application (startup|shutdown) complete|Shutting down",
        "the command says where it listens, and until when",
    ),
    Said("mteb.evaluate", "No batch size defined in encode_kwargs", "micro-batches are cut by tokens"),
    Said(_LIGHTNING, r"\w+ available: ", "the line of a stage says where it runs"),
    Said(_LIGHTNING, "💡 Tip: ", "it advertises"),
    Said(_LIGHTNING, "Using bfloat16 Automatic Mixed Precision", "trainer.precision asks for it, and each of its Trainers says so"),
    Said(_LIGHTNING, "`Trainer.fit` stopped: ", "the line of a stage says how many steps it has"),
    Said(_LIGHTNING, "Rest(oring|ored all) states from the checkpoint", "the line of a stage says so, before it begins"),
    Said(_LIGHTNING, r"-{9,}\ndistributed_backend=", "the line of a stage says how many processes there are"),
    Said(_FABRIC, "Initializing distributed: ", "likewise"),
)


def silence() -> None:
    """Silences it in this process."""
    for said in SILENCED:
        if said.by == "warnings":
            warnings.filterwarnings("ignore", said.text)
    for logger in _loggers():
        if not any(isinstance(known, _NotSilenced) for known in logger.filters):
            logger.addFilter(_NotSilenced(logger.name))


@contextmanager
def silenced() -> Iterator[None]:
    """Silences it within the block."""
    before = {logger: list(logger.filters) for logger in _loggers()}
    try:
        with warnings.catch_warnings():
            silence()
            yield
    finally:
        for logger, filters in before.items():
            logger.filters[:] = filters


class _NotSilenced(logging.Filter):
    """Lets pass what a logger says, but for what is silenced; Python's own filter would look at the logger's name alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _is_silenced(self.name, record.getMessage())


def _loggers() -> list[logging.Logger]:
    return [logging.getLogger(name) for name in sorted({said.by for said in SILENCED} - {"warnings"})]


def _is_silenced(by: str, text: str) -> bool:
    return any(said.by == by and re.match(said.text, text) for said in SILENCED)
