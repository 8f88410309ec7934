"""Embeds stored contents with an encoder checkpoint: the `embed` of the steps over embeddings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from huggingface_hub import is_offline_mode, try_to_load_from_cache
from numpy.typing import NDArray

from unite.data.decode import Decoding, decode_content
from unite.data.packing import plan_micro_batches
from unite.data.rows import StoredContent
from unite.errors import CheckpointError, must_be
from unite.types import MicroBatch

_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


class CheckpointEmbedder:
    """Loads the checkpoint when it is first asked. Its arguments tell the plan of a curation which embeddings it used.

    Args:
        path: a folder or hub name that `VLMEncoder` loads.
        device: where it runs; a GPU if there is one by default.
        token_budget: tokens of a micro-batch, padding included.
        max_frames: of a video.
        **settings: of `VLMEncoder`.

    Raises:
        CheckpointError: if there is no such folder, and none can be downloaded: said before the rows are read, not after.
    """

    def __init__(self, path: str, *, device: str = "", token_budget: int = 16384, max_frames: int = 12, **settings: Any) -> None:
        self.path, self.token_budget, self.max_frames, self.settings = path, token_budget, max_frames, settings
        if not Path(path).is_dir() and (is_offline_mode() or not _HUB_NAME.fullmatch(path)) and not _is_cached(path):
            hint = "Name a folder with a checkpoint, or one of the hub that was downloaded before."
            raise CheckpointError(must_be("the checkpoint of a step's embed", "there", path, hint))
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")

    @cached_property
    def _encoder(self) -> torch.nn.Module:
        from unite.encoder.vlm import VLMEncoder  # a recipe without such a step needs no transformers

        return VLMEncoder(self.path, **self.settings).to(self._device).eval()

    @torch.no_grad()
    def __call__(self, contents: Sequence[StoredContent]) -> NDArray[np.float32]:
        """Returns (n, D) embeddings in the order of the contents."""
        processor = cast(Any, self._encoder).processor
        decoding = Decoding(min_frames=min(4, self.max_frames), max_frames=self.max_frames)
        encoded = [processor.encode(decode_content(stored, decoding)) for stored in contents]
        embeddings: dict[int, NDArray[np.float32]] = {}
        for plan in plan_micro_batches([one.num_tokens for one in encoded], self.token_budget):
            batch: MicroBatch = processor.pad([encoded[at] for at in plan], plan)
            batch = MicroBatch(**{name: value.to(self._device) for name, value in vars(batch).items()})
            for at, embedding in zip(plan, self._encoder(batch).float().cpu().numpy(), strict=True):
                embeddings[int(at)] = embedding
        return np.stack([embeddings[at] for at in range(len(contents))])


def _is_cached(name: str) -> bool:
    return bool(_HUB_NAME.fullmatch(name)) and isinstance(try_to_load_from_cache(name, "config.json"), str)
