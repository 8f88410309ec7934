"""The encoder of a corpus, loaded when the first row wants it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from unite.embedding.embed import Encoder
from unite.embedding.fingerprints import encoder_fingerprint, prompt_fingerprint


class CorpusEncoder:
    """The encoder of a corpus, loaded when the first row wants it.

    Args:
        checkpoint: its address, as it was given.
        label: what a person calls it.
        load: loads it.
        state: another where the checkpoint's files are others; "" where that is not known.
        has_gpu: whether it is loaded to one.
    """

    def __init__(self, checkpoint: str, label: str, load: Callable[[], Encoder], state: str = "", has_gpu: bool = False) -> None:
        self.checkpoint, self.label, self.state, self.has_gpu = checkpoint, label, state, has_gpu
        self.load = load

    @cached_property
    def encoder(self) -> Any:
        """It itself."""
        return self.load()

    @cached_property
    def fingerprints(self) -> tuple[int, int]:
        """Of the encoder and of how it reads."""
        return encoder_fingerprint(self.encoder), prompt_fingerprint(self.encoder.processor)
