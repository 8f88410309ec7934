"""A toy encoder and toy batches: a bag of words, with a second table that only some contents use (as only images use a vision tower)."""

import torch
from torch import nn

from tests.word_processor import WordProcessor
from unite.data.collate import Collator
from unite.types import Batch, Content, Example


class BagEncoder(nn.Module):
    """Mean of word vectors, dropout, a linear layer; words of six letters go through `rare` alone. float64."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 8)
        self.rare = nn.Linear(8, 8, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(8, 8)
        self.calls = 0
        self.double()

    vision_is_frozen = False

    def encode_media(self, micro, known=None):
        return torch.empty(0)

    def forward(self, micro, media_features=None):
        self.calls += 1
        words = self.words(micro.input_ids)
        if bool((micro.input_ids == 6).any()):
            words = torch.where((micro.input_ids == 6)[..., None], self.rare(words), words)
        mask = micro.attention_mask[..., None].to(words.dtype)
        mean = (words * mask).sum(1) / mask.sum(1)
        return nn.functional.normalize(self.out(self.dropout(mean)), dim=-1)


def examples(count: int, rare_from: int = 0) -> list[Example]:
    """Rows of made-up words; only rows from `rare_from` on hold words of six letters."""
    rows = []
    for at in range(count):
        words = [("x" * (1 + (at * 7 + step * 3) % 5)) for step in range(2 + at % 4)]
        if at >= rare_from and at % 3 == 0:
            words.append("rarest")
        query, positive = Content(" ".join(words)), Content(" ".join([*words, "y" * (7 + at)]))
        rows.append(Example(f"row{at}", "toy", query, (positive,), (Content("z" * (30 + at % 4)),) if at % 2 else ()))
    return rows


def batch_of(rows: list[Example], token_budget: int = 16) -> Batch:
    return Collator(WordProcessor(), token_budget)(rows)


def seeded_encoder(dropout: float = 0.0) -> BagEncoder:
    torch.manual_seed(0)
    return BagEncoder(dropout)
