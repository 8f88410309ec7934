"""Encoder, objective and optimizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


@dataclass
class ObjectiveConfig:
    """What InfoNCE and MAMCL share. See `unite.objective`."""

    _target_: str = MISSING
    temperature: float = 0.03
    learnable_temperature: bool = False
    symmetric: bool = False
    modality_weights: dict[str, float] = field(default_factory=dict)
    false_negative_margin: float | None = None
    hardness: float = 0.0


@dataclass
class InfoNCEConfig(ObjectiveConfig):
    """Symmetric InfoNCE over all candidates: the paper's stage 1."""

    _target_: str = "unite.objective.InfoNCE"
    symmetric: bool = True


@dataclass
class MAMCLConfig(ObjectiveConfig):
    """Modality-aware masked contrastive learning: the paper's stage 2."""

    _target_: str = "unite.objective.MAMCL"


@dataclass
class MatryoshkaConfig:
    """An objective at several widths of the embedding."""

    _target_: str = "unite.objective.Matryoshka"
    objective: Any = MISSING
    dims: list[int] = MISSING
    weights: list[float] | None = None


@dataclass
class OptimizerConfig:
    """AdamW with warm-up and cosine decay. See `unite.training.optimizer.AdamWCosine`."""

    _target_: str = "unite.training.optimizer.AdamWCosine"
    lr: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    warmup_ratio: float = 0.03
    final_lr_ratio: float = 0.0
    gradient_clip: float | None = 1.0
