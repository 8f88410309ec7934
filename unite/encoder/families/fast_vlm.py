"""FastVLM (arXiv 2412.13303): a tower of timm's that folds, a projector, and a language model with plain positions; no video.

    picture -> transformers' processor -> pixels (3, H, W) -> tower -> H / patch x W / patch features -> projector -> tokens in row order

Of this class are Apple's FastVLM and whatever else is made of a convolutional tower and a Llama or Qwen2 (`unite.encoder.assembled`). All
its pictures have the size that the checkpoint's processor says. M pictures, V tokens of each, D width, n contents, L tokens.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MethodType
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaDecoderLayer, LlamaMLP, LlamaModel, LlamaRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2Attention, Qwen2DecoderLayer, Qwen2MLP, Qwen2Model, Qwen2RMSNorm

from unite.batch import MicroBatch
from unite.config.schema.encoder import ReadingConfig
from unite.encoder.families.family import ReadMedium
from unite.encoder.families.fast_language import LanguageClasses, speed_up_language
from unite.encoder.families.language_pass import LanguagePass
from unite.encoder.families.linear import speed_up_linear
from unite.encoder.families.mrope import sequential_positions
from unite.errors import CheckpointError, ConfigError, must_be
from unite.types import Medium, Modality

_LANGUAGES: dict[type[nn.Module], LanguageClasses] = {
    LlamaModel: LanguageClasses(LlamaRMSNorm, LlamaAttention, LlamaDecoderLayer, LlamaMLP),
    Qwen2Model: LanguageClasses(Qwen2RMSNorm, Qwen2Attention, Qwen2DecoderLayer, Qwen2MLP),
}


class FastVLMReader:
    """Reads images as the checkpoint's processor resizes and cuts them; normalisation is left to the device.

    The tensors: `pixels` (1, 3, H, W) uint8, of one size for all.

    Args:
        processor: the checkpoint's, from transformers.
        config: bounds on the tokens of an image, within which those of this checkpoint must be: their number is its own.

    Raises:
        ConfigError: if they are not.
    """

    modalities: ClassVar[Collection[Modality]] = (Modality.IMAGE,)

    def __init__(self, processor: Any, config: ReadingConfig) -> None:
        self.processor = processor.image_processor
        pixels = self._pixels(np.zeros((1, 1, 3), np.uint8))
        text = processor.replace_image_token({"pixel_values": pixels}, 0)
        self._tokens = list(processor.tokenizer(text, add_special_tokens=False).input_ids)
        if not config.min_image_tokens <= len(self._tokens) <= config.max_image_tokens:
            expected = f"around {len(self._tokens)}, the tokens that every image of this checkpoint has"
            found = f"from {config.min_image_tokens} to {config.max_image_tokens}"
            raise ConfigError(must_be("encoder.min_image_tokens to encoder.max_image_tokens", expected, found))

    def read(self, medium: Medium) -> ReadMedium:
        """Returns tokens and pixels of an image."""
        return ReadMedium(list(self._tokens), {"pixels": self._pixels(medium.frames[0])})

    def _pixels(self, picture: NDArray[np.uint8]) -> Tensor:
        picture = picture if picture.flags.writeable else picture.copy()  # else torch warns
        made = self.processor(picture, do_rescale=False, do_normalize=False, input_data_format="channels_last", return_tensors="pt")
        pixels: Tensor = made["pixel_values"]
        return pixels.round().clamp(0, 255).to(torch.uint8)


class FastVLM(LanguagePass):
    """A `Family`.

    Args:
        config: the model's.
        processor: the checkpoint's, from transformers.

    Raises:
        CheckpointError: if the processor gives an image another number of tokens than the tower does.
    """

    modalities: ClassVar[Collection[Modality]] = FastVLMReader.modalities
    token_types: ClassVar[Mapping[str, int]] = {"image_token_id": 1}
    language_model: ClassVar[str] = "language_model"
    towers: ClassVar[Sequence[str]] = ("vision_tower",)
    projectors: ClassVar[Sequence[str]] = ("multi_modal_projector",)
    weight_names: ClassVar[Mapping[str, str]] = {r"(language_model|vision_tower|multi_modal_projector)\.": r"\1."}
    marks: ClassVar[tuple[str, str]] = ("", "")
    has_grids: ClassVar[bool] = False
    special_tokens: ClassVar[Sequence[str]] = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
    parts: ClassVar[Mapping[str, Sequence[str]]] = {
        "language": ("language_model",),
        "vision": ("vision_tower",),
        "merger": ("multi_modal_projector",),
    }
    _scale: Tensor
    _shift: Tensor

    def __init__(self, config: Any, processor: Any) -> None:
        super().__init__()
        image = processor.image_processor
        mean, std = (torch.tensor(list(values)).view(3, 1, 1) for values in (image.image_mean, image.image_std))
        self.register_buffer("_scale", image.rescale_factor / std, persistent=False)
        self.register_buffer("_shift", -mean / std, persistent=False)
        self.patch_size = int(processor.patch_size)

    def reader(self, processor: Any, config: ReadingConfig) -> FastVLMReader:
        """Returns the reader of images."""
        return FastVLMReader(processor, config)

    def speed_up(self, model: Any) -> None:
        """See `fast_language`; for `sdpa` attention, another is left as it is."""
        language_model = model.language_model
        if model.config._attn_implementation != "sdpa" or type(language_model) not in _LANGUAGES:
            return
        self._is_fast = True
        speed_up_linear(model)
        self._is_one_pass = speed_up_language(language_model, _LANGUAGES[type(language_model)])
        if self._is_one_pass:
            language_model.forward = MethodType(_without_mask, language_model)

    def pixels(self, pixels: Tensor) -> Tensor:
        """Returns images (M, 3, H, W) uint8 normalised, as the tower takes them."""
        return torch.addcmul(self._shift, pixels.to(self._scale.dtype), self._scale)

    def select(self, media: Mapping[str, Tensor], which: Sequence[int]) -> dict[str, Tensor]:
        """Returns the tensors of the images with these indices."""
        return {name: tensor[list(which)] for name, tensor in media.items()}

    def see(self, model: Any, media: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Returns what the tower makes (V, 1, C) of each image."""
        if model.vision_tower.training:  # its batch norms keep the statistics that they have: a micro-batch's are no function of an image
            model.vision_tower.eval()
        inputs = self.pixels(media["pixels"]).to(model.vision_tower.dtype)
        seen = model.vision_tower(inputs, return_dict=True, do_pooling=False).last_hidden_state
        expected = (inputs.shape[-2] // self.patch_size, inputs.shape[-1] // self.patch_size)
        if tuple(seen.shape[-2:]) != expected:
            hint = "Copy the processor files of the checkpoint itself."
            found = f"{seen.shape[-2]} x {seen.shape[-1]}"
            raise CheckpointError(must_be("the features of an image", f"{expected[0]} x {expected[1]}, as its processor says", found, hint))
        return tuple(seen.flatten(2).transpose(1, 2)[:, :, None])

    def project(self, model: Any, seen: Tensor) -> Tensor:
        """Returns features (V, 1, D) of what the tower made (V, 1, C)."""
        projector = model.multi_modal_projector
        features: Tensor = projector(seen.to(projector.linear_1.weight.dtype))  # wider than the tower's while it is trained
        return features

    def positions(self, micro_batch: MicroBatch, sequential: bool) -> Tensor:
        """Returns (n, L) plain positions, the only ones there are."""
        return sequential_positions(micro_batch.attention_mask)[0]


def _without_mask(self: Any, inputs_embeds: Tensor, position_ids: Tensor, **kwargs: Any) -> BaseModelOutputWithPast:
    """The forward pass of a language model whose layers keep contents apart, over (1, T, D): transformers' own would make a mask."""
    kwargs = {name: value for name, value in kwargs.items() if name in ("shared", "blocks")}
    states, angles = inputs_embeds, self.rotary_emb(inputs_embeds, position_ids=position_ids)
    for layer in self.layers:
        states = layer(states, attention_mask=None, position_embeddings=angles, **kwargs)
    return BaseModelOutputWithPast(last_hidden_state=self.norm(states))
