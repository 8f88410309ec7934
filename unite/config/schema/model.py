"""Encoder, objective and optimizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import MISSING


class Positions(Enum):
    """Positions in the language model: `mrope` as the model was made for, `sequential` as UNITE's released checkpoints were trained."""

    mrope = "mrope"
    sequential = "sequential"


class Precision(Enum):
    """The type of the weights."""

    float32 = "float32"
    bfloat16 = "bfloat16"


@dataclass
class LoRAConfig:
    """Low-rank adapters on every linear layer of the language model."""

    _target_: str = "unite.encoder.LoRA"
    r: int = 8
    alpha: int = 16
    dropout: float = 0.05


@dataclass
class EncoderConfig:
    """The vision-language model. See `unite.encoder.VLMEncoder`. Images are capped in visual tokens, video in pixels a frame."""

    _target_: str = "unite.encoder.VLMEncoder"
    path: str = ""
    checkpoint: Any = None
    positions: Positions = Positions.mrope
    adapter: LoRAConfig | None = field(default_factory=LoRAConfig)
    train_vision: bool = False
    dtype: Precision = Precision.bfloat16
    attention: str = "sdpa"
    gradient_checkpointing: bool = True
    min_image_tokens: int = 256
    max_image_tokens: int = 1280
    max_frame_pixels: int = 240 * 320
    max_length: int = 2048
    system_prompt: str | None = "You are a helpful assistant."


@dataclass
class TinyCheckpointConfig:
    """The built-in encoder: Qwen2-VL's architecture at toy width with random weights. See `unite.encoder.tiny`."""

    _target_: str = "unite.encoder.build_tiny_checkpoint"
    hidden_size: int = 96
    num_layers: int = 3
    vision_hidden_size: int = 96
    vision_num_layers: int = 2
    vocab_size: int = 1024
    seed: int = 0


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
