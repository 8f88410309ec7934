"""What can be configured: every key, its type, its default.

A misspelt key or a value of the wrong type fails when Hydra composes the config, with its full path, before anything heavy is imported.
A component's config carries `_target_`, the class it builds, so a class of the user's own can be named on the command line.
"""

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


class WandbMode(Enum):
    """`offline` needs no account and writes into the run folder; `wandb sync` uploads it later."""

    offline = "offline"
    online = "online"
    disabled = "disabled"


@dataclass
class DecodingConfig:
    """How media are decoded. See `unite.data.decode.Decoding`."""

    _target_: str = "unite.data.decode.Decoding"
    fps: float = 1.0
    min_frames: int = 4
    max_frames: int = 12
    max_pixels: int = 64_000_000
    max_video_frames: int = 100_000


@dataclass
class SourceConfig:
    """A source of pairs. See `unite.data.source.SourceDataModule`."""

    _target_: str = "unite.data.source.SourceDataModule"
    name: str = MISSING
    shards: str = MISSING
    query: str = MISSING
    positive: str = MISSING
    neighbours: int = 1
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    world: Any = None


@dataclass
class MixtureConfig:
    """Sources and their shares. `run_length`: places in a row of a batch that one source fills."""

    sources: dict[str, SourceConfig] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    run_length: int = 1


@dataclass
class DataConfig:
    """How batches are made of the mixture. `batch_size` counts samples a step over all ranks, `token_budget` tokens a micro-batch."""

    batch_size: int = 32
    token_budget: int = 16384
    num_workers: int = 0
    max_skipped_share: float = 0.01


@dataclass
class ObjectiveConfig:
    """What InfoNCE and MAMCL share. See `unite.objective`."""

    _target_: str = MISSING
    temperature: float = 0.03
    learnable_temperature: bool = False
    symmetric: bool = False
    modality_weights: dict[str, float] | None = None
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


@dataclass
class StageConfig:
    """A stage of training: data, objective, optimizer, length. A stage of 0 steps is left out.

    The adaptation stage takes the run's own groups by interpolation (`mixture: ${mixture}`), hence no narrower types here.
    """

    name: str = MISSING
    mixture: Any = None
    objective: Any = None
    optimizer: Any = None
    max_steps: int = 0


@dataclass
class TrainerConfig:
    """Where and how long training runs. `options` goes to Lightning's Trainer as it is."""

    max_steps: int = 1300
    accelerator: str = "auto"
    devices: int | str = 1
    num_nodes: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    graph_tokens: int = 1_000_000
    log_every_n_steps: int = 10
    checkpoint_every_n_steps: int = 200
    progress_bar: bool = True
    log_sample_keys: bool = False
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class LoggerConfig:
    """CSV always works; W&B runs offline unless told otherwise."""

    csv: bool = True
    wandb: WandbMode = WandbMode.offline
    project: str = "unite"
    entity: str | None = None
    group: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass
class SuiteConfig:
    """Evaluation tasks, name to folder; `held_in`: the same over training data. Folders are relative to `data_root`, or to the world's."""

    _target_: str = "unite.evaluation.suite.Suite"
    name: str = MISSING
    tasks: dict[str, str] = field(default_factory=dict)
    held_in: dict[str, str] = field(default_factory=dict)
    data_root: str = "${data_root}"
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    token_budget: int = 16384
    world: Any = None


@dataclass
class WorldConfig:
    """The built-in world. See `unite.curation.emoji_world`."""

    _target_: str = "unite.curation.emoji_world.EmojiWorld"
    root: str = "${data_root}"
    seed: int = 0
    num_train: int = 4096
    num_queries: int = 128
    num_candidates: int = 256
    num_glyphs: int = 48


@dataclass
class TrainConfig:
    """`python -m unite.train`."""

    name: str = "train"
    seed: int = 0
    data_root: str = "data"
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},${resume}}"
    resume: bool = False
    init_from: str | None = None
    evaluate: bool = True
    world: WorldConfig = field(default_factory=WorldConfig)
    encoder: Any = MISSING
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    data: DataConfig = field(default_factory=DataConfig)
    objective: Any = MISSING
    optimizer: Any = MISSING
    alignment: StageConfig = field(default_factory=StageConfig)
    adaptation: StageConfig = field(default_factory=StageConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    suite: SuiteConfig | None = None


@dataclass
class MediaConfig:
    """What media become when they are curated. See `unite.curation.media.MediaPolicy`."""

    _target_: str = "unite.curation.media.MediaPolicy"
    max_pixels: int = 1280 * 28 * 28
    frame_pixels: int = 240 * 320
    multiple: int = 28
    jpeg_quality: int = 90
    fps: float = 1.0
    min_frames: int = 4
    max_frames: int = 12
    max_source_pixels: int = 128_000_000
    max_source_bytes: int = 1 << 31
    max_seconds: float = 3600.0
    max_source_frames: int = 250_000
    deadline_seconds: float = 120.0


class Engine(Enum):
    """`local` uses the cores of this machine, `ray` a Ray cluster."""

    local = "local"
    ray = "ray"


@dataclass
class CurateConfig:
    """`python -m unite.curate`. Groups fill recipes and steps: `+recipe@recipes.nli=text_pairs`, `+step@steps.short=text_length`.

    Steps run in the order in which they are named; row-wise ones stand before set-wise ones.
    """

    name: str = "curate"
    out: str = MISSING
    recipes: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    media: MediaConfig = field(default_factory=MediaConfig)
    rows_per_part: int = 1000
    samples_per_shard: int = 1000
    seed: int = 0
    workers: int = 0
    engine: Engine = Engine.local
    max_unusable_share: float = 0.5


@dataclass
class EvaluateConfig:
    """`python -m unite.evaluate`. `checkpoint` is a run folder, an exported encoder's folder or a hub name."""

    name: str = "evaluate"
    checkpoint: str = MISSING
    data_root: str = "data"
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"
    world: WorldConfig = field(default_factory=WorldConfig)
    encoder: Any = None
    suite: SuiteConfig | None = None
    device: str = "auto"
