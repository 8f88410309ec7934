"""Low-rank adapters, by peft."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from unite.config.schema.encoder import LoRAConfig
from unite.encoder.fast_lora import speed_up_lora


def add_lora(module: nn.Module, lora: LoRAConfig, layers: Collection[str]) -> nn.Module:
    """Returns a module wrapped with fresh adapters; of it, only they are trained then.

    Args:
        module: the language model, or a tower.
        lora: their options.
        layers: names of the linear layers in it that get one.
    """
    config = LoraConfig(r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=sorted(layers), bias="none")
    wrapped = cast(nn.Module, get_peft_model(cast(Any, module), config))
    speed_up_lora(wrapped)
    return wrapped


def merge_lora(module: nn.Module) -> nn.Module:
    """Returns a module with its adapters merged into its weights; unchanged if it has none."""
    if isinstance(module, PeftModel):
        return cast(nn.Module, module.merge_and_unload())
    return module


def has_lora(module: nn.Module) -> bool:
    """Whether a module has adapters that are not merged."""
    return isinstance(module, PeftModel)
