"""Low-rank adapters on the language model, by peft."""

from __future__ import annotations

from typing import Any, cast

from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from unite.config.schema.encoder import LoRAConfig


def add_lora(language_model: nn.Module, lora: LoRAConfig) -> nn.Module:
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
