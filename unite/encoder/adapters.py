"""Low-rank adapters on the language model, by peft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class LoRA:
    """LoRA (arXiv 2106.09685) on every linear layer of the language model.

    Attributes:
        r: rank. alpha: the update is scaled by alpha / r. dropout: on the adapter's input.
    """

    r: int = 8
    alpha: int = 16
    dropout: float = 0.05

    def __post_init__(self) -> None:
        if self.r < 1:
            raise ConfigError(must_be("encoder.adapter.r", "at least 1", self.r, "To train without an adapter set encoder.adapter=null."))
        if self.alpha < 1:
            raise ConfigError(must_be("encoder.adapter.alpha", "at least 1", self.alpha, "The update is scaled by alpha / r."))
        if not 0 <= self.dropout < 1:
            raise ConfigError(must_be("encoder.adapter.dropout", "from 0 to below 1", self.dropout))


def add_lora(language_model: nn.Module, lora: LoRA) -> nn.Module:
    """Returns the language model wrapped with fresh adapters; only they are trained."""
    config = LoraConfig(r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules="all-linear", bias="none")
    return cast(nn.Module, get_peft_model(cast(Any, language_model), config))


def merge_lora(language_model: nn.Module) -> nn.Module:
    """Returns the language model with its adapters merged into its weights; unchanged if it has none."""
    if isinstance(language_model, PeftModel):
        return cast(nn.Module, language_model.merge_and_unload())
    return language_model


def has_lora(language_model: nn.Module) -> bool:
    """Whether the language model has adapters that are not merged."""
    return isinstance(language_model, PeftModel)
