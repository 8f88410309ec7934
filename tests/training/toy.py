"""A toy encoder and toy batches: a bag of words, with a second table that only some contents use (as only images use a vision tower)."""

from types import SimpleNamespace

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers.logger import DummyLogger
from torch import nn

from tests.word_processor import WordProcessor
from unite.batch import Batch
from unite.config.schema import AdamWConfig
from unite.data.collate import Collator
from unite.training.adamw import AdamWCosine
from unite.training.module import UniteModule
from unite.types import Content, Example


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

    def together(self, micro_batches, known=None):
        return [self(micro) for micro in micro_batches]

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


def gradients(encoder):
    return {name: parameter.grad.clone() for name, parameter in encoder.named_parameters() if parameter.grad is not None}


def plain(batch, encoder, objective):
    """The step without any of its parts: embed all, loss, backward."""
    parts = torch.cat([encoder(micro) for micro in batch.micro_batches])
    order = torch.cat([micro.contents for micro in batch.micro_batches]).argsort()
    loss = objective(parts[order], batch.relations).loss
    loss.backward()
    return loss.detach(), gradients(encoder)


class Rows(DummyLogger):
    """Keeps the rows of the log, by step."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, dict[str, float]] = {}

    def log_metrics(self, metrics, step=None):
        self.rows.setdefault(step, {}).update(metrics)


class Batches(pl.LightningDataModule):
    """Given batches for a mixture."""

    def __init__(self, batches: list[Batch]) -> None:
        super().__init__()
        self.batches = batches

    def train_dataloader(self):
        return torch.utils.data.DataLoader(self.batches, batch_size=None)

    def account(self, step):
        return {"source_epochs/toy": float(step)}


def fit(
    batches: list[Batch],
    objective: nn.Module,
    callbacks: list[pl.Callback],
    max_steps: int | None = None,
    graph_tokens: int | str = 10_000,
    encoder: BagEncoder | None = None,
    **optimizer,
) -> SimpleNamespace:
    """Trains the toy encoder through Lightning; returns module, trainer and the rows of the log."""
    module = UniteModule(encoder or seeded_encoder(), objective, AdamWCosine(AdamWConfig(**optimizer)), len(batches), graph_tokens)
    rows = Rows()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=max_steps or len(batches),
        max_epochs=1,
        callbacks=callbacks,
        log_every_n_steps=1,
        logger=rows,
        enable_checkpointing=any(isinstance(callback, pl.callbacks.ModelCheckpoint) for callback in callbacks),
        enable_progress_bar=any(isinstance(callback, pl.callbacks.ProgressBar) for callback in callbacks),
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=Batches(batches))
    return SimpleNamespace(module=module, trainer=trainer, rows=rows.rows)
