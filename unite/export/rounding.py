"""What it does to embeddings that weights are written in a narrower type: seen by trying, of the folder that was written.

N contents, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from unite.config.schema.encoder import EncoderConfig
from unite.embedding.embed import embed_contents
from unite.encoder.checkpoint import read_as_trained
from unite.encoder.folder import parts_of
from unite.encoder.vlm import VLMEncoder
from unite.export.proof import proof_contents
from unite.types import Content


@dataclass(frozen=True)
class Rounding:
    """How far embeddings moved.

    Attributes:
        num_contents: N, how many were tried.
        largest: by how much a number of an embedding changed at most.
        cosine: of an embedding before with the same after, at least.
    """

    num_contents: int
    largest: float
    cosine: float

    def told(self, dtype: str) -> str:
        """Returns a line about it, of this type of the weights."""
        moved = f"moved no number of an embedding by more than {self.largest:.1g}, cosine at least {self.cosine:.6f}"
        return f"rounding to {dtype} {moved} ({self.num_contents} short texts and pictures tried)"


def rounding_of(encoder: Path, exported: Path) -> Rounding:
    """Returns how far the embeddings of an export are from those of what was exported, each as unite reads it.

    Args:
        encoder: the folder that was exported.
        exported: the folder that was written.
    """
    contents = list(proof_contents(parts_of(str(encoder)).family.modalities))
    before, after = (_embedded(folder, contents) for folder in (encoder, exported))
    return Rounding(len(contents), float((before - after).abs().max()), float((before * after).sum(1).min()))


def _embedded(folder: Path, contents: Sequence[Content]) -> Tensor:
    config = EncoderConfig(path=str(folder), gradient_checkpointing=False)
    read = read_as_trained(config, parts_of(config.path), is_check=True)  # what the folder's settings are need not be told again
    return embed_contents(VLMEncoder(read), contents)
