"""What is exported: a finished run, or the encoder that a run left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unite.checkpoints import checkpoint_label, find_checkpoint
from unite.config.resumed import FINISHED
from unite.config.schema.encoder import READING_FILE
from unite.errors import CheckpointError, must_be
from unite.runs import CONFIG, read_config
from unite.tracking.recorded import matryoshka_dims


@dataclass(frozen=True)
class Source:
    """An encoder to export.

    Attributes:
        encoder: its folder.
        label: what it is called, as `unite.checkpoints.checkpoint_label` has it.
        run: the folder of the run that made it; None where the encoder was given alone.
        matryoshka_dims: widths that its embeddings may be cut to, from the widest down; none where it was not trained for that.
    """

    encoder: Path
    label: str
    run: Path | None
    matryoshka_dims: tuple[int, ...]


def find_source(run: str | Path) -> Source:
    """Returns what a run's folder, or that of an exported encoder, holds. No weights are read.

    Raises:
        CheckpointError: if there is no such folder, the run is not finished, or the folder does not say how the encoder reads contents.
        DataError: if the run's config cannot be read.
    """
    given = Path(run)
    if (given / CONFIG).is_file() and not (given / FINISHED).is_file():
        hint = "Go on with it by `python -m unite.train resume=<run>`; the encoder that it holds by now, if any, is <run>/encoder."
        raise CheckpointError(must_be("run", "a finished run", f"{run}, which is not finished", hint))
    encoder = Path(find_checkpoint(run, "run"))
    if not (encoder / READING_FILE).is_file():
        hint = "A checkpoint that others made says nothing of its prompt: train or merge it here, and export that run."
        raise CheckpointError(must_be("run", f"a run, or an encoder's folder with {READING_FILE}", str(run), hint))
    folder = encoder.parent if encoder.name == "encoder" and (encoder.parent / CONFIG).is_file() else None
    return Source(encoder, checkpoint_label(encoder), folder, () if folder is None else matryoshka_dims(read_config(folder)))
