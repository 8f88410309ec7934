"""A fake encoder: what it embeds depends on the content alone, whichever micro-batch it comes in."""

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from unite.batch import EncodedContent, MicroBatch, index_tensor
from unite.types import Content, Medium, Modality


class FakeProcessor:
    """Bytes of the text are the tokens, and each frame is one token of its mean brightness."""

    def __init__(self) -> None:
        self._encoded: list[str] = []

    @property
    def encoded(self) -> list[str]:
        return self._encoded  # what it was used for is no setting

    def encode(self, content: Content) -> EncodedContent:
        self.encoded.append(content.text)
        frames = [int(frame.mean()) for medium in content.media for frame in medium.frames]
        tokens = index_tensor([*frames, *f"{content.instruction}|{content.text}".encode()])
        return EncodedContent(tokens, torch.zeros_like(tokens))

    def pad(self, encoded: Sequence[EncodedContent], contents: Sequence[int]) -> MicroBatch:
        ids = nn.utils.rnn.pad_sequence([one.input_ids for one in encoded], batch_first=True)
        mask = nn.utils.rnn.pad_sequence([torch.ones_like(one.input_ids) for one in encoded], batch_first=True)
        return MicroBatch(index_tensor(contents), ids, torch.zeros_like(ids), mask)


class FakeEncoder(nn.Module):
    """The L2-normalised sum of a random vector per token and place; NaN for texts that hold `nan`."""

    def __init__(self, dim: int = 16) -> None:
        super().__init__()
        self.processor = FakeProcessor()
        self.dim = dim
        self.tokens = nn.Parameter(torch.randn(256, dim, generator=torch.Generator().manual_seed(0)))
        self._shapes: list[tuple[int, int]] = []

    @property
    def shapes(self) -> list[tuple[int, int]]:
        return self._shapes

    def forward(self, micro_batch: MicroBatch) -> Tensor:
        assert not self.training
        assert not torch.is_grad_enabled()
        self.shapes.append(tuple(micro_batch.input_ids.shape))
        places = torch.arange(1, micro_batch.input_ids.shape[1] + 1) ** -0.5
        weights = micro_batch.attention_mask * places
        embeddings = nn.functional.normalize((self.tokens[micro_batch.input_ids] * weights[..., None]).sum(dim=1), dim=1)
        is_nan = [bytes(row.tolist()).find(b"nan") >= 0 for row in micro_batch.input_ids]
        return torch.where(torch.tensor(is_nan)[:, None], torch.nan, embeddings)


class SlowEncoder(FakeEncoder):
    """Takes its time for a micro-batch."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, micro_batch):
        time.sleep(self.seconds)
        return super().forward(micro_batch)


def image(brightness: int) -> Medium:
    return Medium(Modality.IMAGE, np.full((1, 4, 4, 3), brightness, dtype=np.uint8), fingerprint=brightness)
