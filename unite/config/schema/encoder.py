"""The vision-language model, its adapters, and the built-in checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unite.config.schema.prompt import PromptConfig
from unite.errors import ConfigError, must_be, must_be_one_of


class Positions(StrEnum):
    """Positions in the language model: `mrope` as the model was made for, `sequential` as UNITE's released checkpoints were trained."""

    mrope = "mrope"
    sequential = "sequential"


class Precision(StrEnum):
    """The type of the weights."""

    float32 = "float32"
    bfloat16 = "bfloat16"


@dataclass(kw_only=True)
class LoRAConfig:
    """Low-rank adapters (LoRA, arXiv 2106.09685) on linear layers.

    Attributes:
        r: rank of the adapters.
        alpha: their output is scaled by alpha / r.
        dropout: share of their inputs that is dropped in training.
        targets: the linear layers that get one: language, vision, merger (all of that part), or names, in which * stands for anything:
            `q_proj`, `language_model.layers.1?`, `visual.*.mlp`. See `unite.encoder.names`.

    Raises:
        ConfigError: if a value is out of its range.
    """

    r: int = 8
    alpha: int = 16
    dropout: float = 0.05
    targets: list[str] = field(default_factory=lambda: ["language"])

    def __post_init__(self) -> None:
        if self.r < 1:
            raise ConfigError(must_be("encoder.adapter.r", "at least 1", self.r, "To train without an adapter set encoder.adapter=null."))
        if self.alpha < 1:
            raise ConfigError(must_be("encoder.adapter.alpha", "at least 1", self.alpha, "The update is scaled by alpha / r."))
        if not 0 <= self.dropout < 1:
            raise ConfigError(must_be("encoder.adapter.dropout", "from 0 to below 1", self.dropout))
        if not self.targets:
            hint = "To train without an adapter set encoder.adapter=null."
            raise ConfigError(must_be("encoder.adapter.targets", "at least one part or name", self.targets, hint))


#: The file of an exported encoder that holds its `ReadingConfig`.
READING_FILE = "unite_encoder.json"


@dataclass(kw_only=True)
class ReadingConfig:
    """How an encoder reads contents. It is exported with the weights, and weights that were trained with it keep it.

    Attributes:
        positions: mrope, as the model was made for, or sequential, as UNITE's released checkpoints were trained.
        dtype: type of the weights, float32 or bfloat16; what is trained is float32 until its stage ends.
        min_image_tokens: smaller images are enlarged to so many visual tokens.
        max_image_tokens: larger images are shrunk to so many visual tokens.
        min_frame_pixels: smaller video frames are enlarged to so many pixels.
        max_frame_pixels: larger video frames are shrunk to so many pixels.
        max_length: tokens of a content, visual ones included; a longer text loses its end.
        system_prompt: of prompts with a place for one, as UNITE's; null leaves it out.
        prompt: how a content is written as text.

    Raises:
        ConfigError: if a value is out of its range.
    """

    positions: Positions = Positions.mrope
    dtype: Precision = Precision.bfloat16
    min_image_tokens: int = 256
    max_image_tokens: int = 1280
    min_frame_pixels: int = 1
    max_frame_pixels: int = 240 * 320
    max_length: int = 2048
    system_prompt: str | None = "You are a helpful assistant."
    prompt: PromptConfig = field(default_factory=PromptConfig)

    def __post_init__(self) -> None:
        for name, choices in (("positions", Positions), ("dtype", Precision)):  # a name may stand for each
            if getattr(self, name) not in list(choices):
                raise ConfigError(must_be_one_of(f"encoder.{name}", [str(choice) for choice in choices], getattr(self, name)))
            setattr(self, name, choices(getattr(self, name)))
        if not 1 <= self.min_image_tokens <= self.max_image_tokens:
            expected = f"from 1 to max_image_tokens ({self.max_image_tokens})"
            raise ConfigError(must_be("encoder.min_image_tokens", expected, self.min_image_tokens))
        for name in ("max_frame_pixels", "max_length"):
            if getattr(self, name) < 1:
                raise ConfigError(must_be(f"encoder.{name}", "at least 1", getattr(self, name)))
        if not 1 <= self.min_frame_pixels <= self.max_frame_pixels:
            expected = f"from 1 to max_frame_pixels ({self.max_frame_pixels})"
            raise ConfigError(must_be("encoder.min_frame_pixels", expected, self.min_frame_pixels))
        if not self.prompt.media_marks and self.positions is not Positions.sequential:
            hint = f"The prompt {self.prompt.name} has no marks around media, by which the others tell them apart."
            raise ConfigError(must_be("encoder.positions", "sequential", str(self.positions), hint))


@dataclass(kw_only=True)
class ReadingChange:
    """What of how contents are read is to be other than the checkpoint says; null is as it says. See `ReadingConfig`.

    Attributes:
        positions: mrope or sequential.
        min_image_tokens: smaller images are enlarged to so many visual tokens.
        max_image_tokens: larger images are shrunk to so many visual tokens.
        min_frame_pixels: smaller video frames are enlarged to so many pixels.
        max_frame_pixels: larger video frames are shrunk to so many pixels.
        max_length: tokens of a content, visual ones included; a longer text loses its end.
    """

    positions: Positions | None = None
    min_image_tokens: int | None = None
    max_image_tokens: int | None = None
    min_frame_pixels: int | None = None
    max_frame_pixels: int | None = None
    max_length: int | None = None

    def asked(self) -> dict[str, Any]:
        """Returns what is given."""
        return {name: value for name, value in vars(self).items() if value is not None}


class Quantization(StrEnum):
    """How frozen weights are held while adapters are trained."""

    nf4 = "nf4"


@dataclass(kw_only=True)
class EncoderConfig(ReadingConfig):
    """The vision-language model. See `unite.encoder.vlm.VLMEncoder`.

    Attributes:
        path: hub name or folder of the weights, or of a PEFT adapter, which is merged into its base. A folder that was exported brings how
            it reads contents, which then wins; so do UNITE's released weights. Empty where `checkpoint` builds weights.
        base: hub name or folder of what an adapter at `path` is put on; null takes the one that the adapter names.
        checkpoint: what builds the weights if there are none yet; null takes those of `path`.
        adapter: LoRA, by default of the language model; null trains all of the language model's weights.
        train_vision: whether all weights of the towers that see are trained too, their merger among them.
        override: what wins over how the checkpoint at `path` says that it reads contents, which wins over the options above.
        frozen: what is not trained of all that, neither whole nor by an adapter: parts or names, as in `adapter.targets`.
        quantization: `nf4` holds the frozen linear layers of the language model in 4 bits while its adapters are trained (QLoRA); what is
            exported has the weights' own type. null leaves them in it.
        attention: transformers' attention implementation, or `varlen`: contents of any length pass end to end, without padding, by torch's
            attention of that name (a GPU, bfloat16, torch 2.11); on a CPU it goes from content to content, which takes longer.
        gradient_checkpointing: compute activations again in the backward pass, to save memory.
    """

    _target_: str = "unite.encoder.vlm.VLMEncoder"
    path: str = ""
    base: str | None = None
    checkpoint: Any = None
    adapter: LoRAConfig | None = field(default_factory=LoRAConfig)
    train_vision: bool = False
    override: ReadingChange = field(default_factory=ReadingChange)
    frozen: list[str] = field(default_factory=list)
    quantization: Quantization | None = None
    attention: str = "sdpa"
    gradient_checkpointing: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.quantization is None:
            return
        if self.quantization not in list(Quantization):
            raise ConfigError(must_be_one_of("encoder.quantization", [*Quantization, "null"], self.quantization))
        self.quantization = Quantization(self.quantization)
        if self.adapter is None:
            hint = "Weights in 4 bits are not trained themselves: add an adapter (+adapter@encoder.adapter=lora)."
            raise ConfigError(must_be("encoder.quantization", "null without an adapter", str(self.quantization), hint))


class TinyArchitecture(StrEnum):
    """Whose architecture a tiny encoder has."""

    qwen2_vl = "qwen2_vl"
    qwen3_vl = "qwen3_vl"


@dataclass(kw_only=True)
class TinyCheckpointConfig:
    """A built-in encoder: a real architecture at toy width with random weights. See `unite.encoder.tiny`.

    Attributes:
        architecture: qwen3_vl or qwen2_vl.
        hidden_size: width of the language model, and of the embedding.
        num_layers: of the language model.
        num_heads: of the language model and of the vision tower.
        vision_hidden_size: width of the vision tower.
        vision_num_layers: of the vision tower.
        vocab_size: the most entries of the tokenizer, special ones included; it is trained on the world's texts.
        seed: of the random weights.

    Raises:
        ConfigError: if a width does not divide into heads, or there is no layer.
    """

    _target_: str = "unite.encoder.tiny.build_tiny_checkpoint"
    architecture: TinyArchitecture = TinyArchitecture.qwen3_vl
    hidden_size: int = 96
    num_layers: int = 3
    num_heads: int = 4
    vision_hidden_size: int = 96
    vision_num_layers: int = 2
    vocab_size: int = 1024
    seed: int = 0

    @property
    def model_type(self) -> str:
        """Whose architecture it has, by transformers' name."""
        return str(self.architecture)

    @property
    def head_dim(self) -> int:
        """Width of one of the language model's heads."""
        return self.hidden_size // self.num_heads

    def __post_init__(self) -> None:
        if self.architecture not in list(TinyArchitecture):
            raise ConfigError(must_be_one_of("encoder.checkpoint.architecture", TinyArchitecture, self.architecture))
        for name in ("num_layers", "vision_num_layers", "num_heads"):
            if getattr(self, name) < 1:
                raise ConfigError(must_be(f"encoder.checkpoint.{name}", "at least 1", getattr(self, name)))
        for name, factor in (("hidden_size", 2 * self.num_heads), ("vision_hidden_size", 4 * self.num_heads)):
            if getattr(self, name) < 1 or getattr(self, name) % factor:
                raise ConfigError(must_be(f"encoder.checkpoint.{name}", f"a multiple of {factor}", getattr(self, name)))


@dataclass(kw_only=True)
class AssembledCheckpointConfig:
    """SmolLM2-135M and EfficientNet-Lite0, of Python packages, with a projector between them. See `unite.encoder.assembled`.

    Attributes:
        pretrained: false gives all weights random values: what did the packages' bring?
        image_size: pixels of the side to which every image is resized; 32 x 32 of them are a token.
        seed: of the random weights, the projector's or all.

    Raises:
        ConfigError: if the size is no multiple of 32.
    """

    _target_: str = "unite.encoder.assembled.build_assembled_checkpoint"
    pretrained: bool = True
    image_size: int = 224
    seed: int = 0

    @property
    def model_type(self) -> str:
        """Whose architecture it has, by transformers' name."""
        return "fast_vlm"

    def __post_init__(self) -> None:
        if self.image_size < 32 or self.image_size % 32:
            raise ConfigError(must_be("encoder.checkpoint.image_size", "a multiple of 32", self.image_size))
