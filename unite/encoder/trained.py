"""What of a model is trained, as the encoder's options say.

adapter=null       the language model whole         train_vision=true    the towers whole
adapter.targets    these layers, by adapters alone  frozen               none of these, neither way
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoModel

from unite.config.schema.encoder import EncoderConfig
from unite.encoder.families.family import Family, modules_of
from unite.encoder.folder import Parts
from unite.encoder.names import chosen, part_of
from unite.errors import ConfigError, caught, must_be, raise_all


@dataclass(frozen=True)
class Trained:
    """Names in the model.

    Attributes:
        whole: the parameters that are trained themselves.
        adapted: the linear layers that get an adapter.
    """

    whole: frozenset[str]
    adapted: frozenset[str]

    def told(self, family: Family) -> str:
        """Returns it in words, by part."""
        layers = Counter(part_of(name, family.parts) or "other" for name in self.adapted)
        parameters = Counter(part_of(name, family.parts) or "other" for name in self.whole)
        by_part = [f"adapters on {count} layers ({part})" for part, count in sorted(layers.items())]
        return ", ".join(by_part + [f"{count} whole tensors ({part})" for part, count in sorted(parameters.items())])


def check_names(parts: Parts, config: EncoderConfig) -> None:
    """Checks the names that an encoder's options give against a checkpoint's model, whose weights are not read.

    Raises:
        ConfigError: if one of them means nothing in it.
    """
    if {*config.frozen, *(config.adapter.targets if config.adapter else ())} <= parts.family.parts.keys():  # each has them
        return
    with torch.device("meta"):
        model = AutoModel.from_config(parts.config)
    raise_all(fault for names in (_frozen, _wanted) for fault in caught(names, model, parts.family, config))


def trained_of(model: nn.Module, family: Family, config: EncoderConfig) -> Trained:
    """Returns what is trained of a model that has no adapters yet.

    Raises:
        ConfigError: if a name or pattern means nothing in it, or nothing is trained.
    """
    parameters = {name: id(parameter) for name, parameter in model.named_parameters()}
    frozen = _frozen(model, family, config)
    modules: list[nn.Module] = modules_of(model, (*family.towers, *family.projectors)) if config.train_vision else []
    modules += [getattr(model, family.language_model)] if config.adapter is None else []
    within = {id(parameter) for module in modules for parameter in module.parameters()}
    adapted = frozenset(name for name in _wanted(model, family, config) if f"{name}.weight" not in frozen)
    within -= {id(parameter) for name in adapted for parameter in model.get_submodule(name).parameters()}
    whole = frozenset(name for name, parameter in parameters.items() if parameter in within and name not in frozen)
    if not (whole or adapted):
        hint = "Nothing would be trained: name less in encoder.frozen."
        raise ConfigError(must_be("encoder.frozen", "a part of what is trained", config.frozen, hint))
    return Trained(whole, adapted)


def _frozen(model: nn.Module, family: Family | type[Family], config: EncoderConfig) -> set[str]:
    """Returns the parameters that are not to be trained."""
    return chosen([name for name, _ in model.named_parameters()], config.frozen, family.parts, "encoder.frozen")


def _wanted(model: nn.Module, family: Family | type[Family], config: EncoderConfig) -> set[str]:
    """Returns the linear layers that are to have an adapter, those that are frozen among them."""
    if config.adapter is None:
        return set()
    layers = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    return chosen(layers, config.adapter.targets, family.parts, "encoder.adapter.targets")
