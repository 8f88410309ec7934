"""Muon for the hidden matrices, AdamW for the rest, both with linear warm-up and cosine decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from unite.config.schema.optimizer import MuonConfig
from unite.errors import ConfigError, must_be
from unite.training.adamw import adamw
from unite.training.optimizer import CosineOptimizer, trainable


class MuonCosine(CosineOptimizer):
    """Builds the optimizer and its schedule. An `OptimizerBuilder`.

    Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) moves a matrix by its momentum made orthogonal, so that every
    direction is learnt at one pace. It is for matrices between hidden states: not for words and positions, of which few rows have a
    gradient, nor for what reads pixels.

    Args:
        config: the options, each documented there.

    Raises:
        ConfigError: if torch has no Muon yet.
    """

    def __init__(self, config: MuonConfig) -> None:
        if not hasattr(torch.optim, "Muon"):
            raise ConfigError(
                must_be("torch for optimizer=muon", "2.9 or newer", torch.__version__, "Take optimizer=from_scratch, or update torch.")
            )
        super().__init__(config)
        self.config = config

    def optimizer(self, module: nn.Module) -> MuonAdamW:
        """As of `CosineOptimizer`."""
        looked_up = {id(parameter) for part in module.modules() if isinstance(part, nn.Embedding) for parameter in part.parameters()}
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for parameter in trainable(module):
            (matrices if parameter.ndim == 2 and id(parameter) not in looked_up else rest).append(parameter)
        from unite.training.stacked_muon import StackedMuon  # builds on torch's Muon, which an older torch has not

        config = self.config
        parts: dict[str, torch.optim.Optimizer] = {}
        if matrices:
            parts["muon"] = StackedMuon(matrices, lr=config.muon_lr, momentum=config.momentum, weight_decay=config.muon_weight_decay)
        if rest:
            parts["adamw"] = adamw(rest, config)
        return MuonAdamW(parts)


class MuonAdamW(torch.optim.Optimizer):
    """Several optimizers that step as one; their groups are its groups, so that a schedule moves the rates of all.

    Args:
        parts: over different parameters, by the name that their groups have in the log.
    """

    def __init__(self, parts: Mapping[str, torch.optim.Optimizer]) -> None:
        self.parts = dict(parts)
        super().__init__([parameter for part in parts.values() for group in part.param_groups for parameter in group["params"]], {})
        self._take_groups()

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Takes one step of each."""
        loss = closure() if closure is not None else None
        for part in self.parts.values():
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Returns the state of each."""
        return {"parts": [part.state_dict() for part in self.parts.values()]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up the state of each."""
        for part, state in zip(self.parts.values(), state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._take_groups()

    def _take_groups(self) -> None:
        self.param_groups = [group for part in self.parts.values() for group in part.param_groups]
        for name, part in self.parts.items():
            for group in part.param_groups:
                group["name"] = name
