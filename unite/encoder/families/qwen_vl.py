"""What the Qwen-VL families share: patches, M-RoPE, and a language model that is given features in the place of visual tokens.

Shapes: n contents, L tokens, M media, N patches, V visual tokens (merged patches) of a medium, D width.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from unite.batch import MicroBatch
from unite.config.schema.encoder import ReadingConfig
from unite.encoder.families.fast_language import LanguageClasses, speed_up_language
from unite.encoder.families.fast_vision import VisionClasses, embed_patches, speed_up_vision
from unite.encoder.families.language_pass import LanguagePass
from unite.encoder.families.linear import speed_up_linear
from unite.encoder.families.mrope import mrope_positions, sequential_positions
from unite.encoder.families.qwen_reader import QwenReader
from unite.encoder.families.shared import SharedByLayers
from unite.errors import CheckpointError, must_be
from unite.types import Modality


class QwenVL(LanguagePass):
    """A `Family`. Its subclasses name the classes of transformers that are made faster, and what is their own.

    Args:
        config: the model's.
        processor: the checkpoint's, from transformers.

    Raises:
        CheckpointError: if the processor is of another model, or normalises images and video differently.
    """

    modalities: ClassVar[Collection[Modality]] = QwenReader.modalities
    token_types: ClassVar[Mapping[str, int]] = {"image_token_id": 1, "video_token_id": 2}
    language_model: ClassVar[str] = "language_model"
    towers: ClassVar[Sequence[str]] = ("visual",)
    projectors: ClassVar[Sequence[str]] = ()
    weight_names: ClassVar[Mapping[str, str]] = {
        r"(language_model|visual)\.": r"\1.",
        r"(embed_tokens|layers|norm)\.": r"language_model.\1.",  # before transformers 4.52 the language model had no name of its own
    }
    marks: ClassVar[tuple[str, str]] = ("<|vision_start|>", "<|vision_end|>")
    has_grids: ClassVar[bool] = True
    special_tokens: ClassVar[Sequence[str]] = ("<|im_start|>", "<|im_end|>", "<|endoftext|>", *marks)
    parts: ClassVar[Mapping[str, Sequence[str]]] = {
        "language": ("language_model",),
        "vision": ("visual",),
        "merger": ("visual.merger", "visual.deepstack_merger_list"),
    }
    language_classes: ClassVar[LanguageClasses]
    vision_classes: ClassVar[VisionClasses]
    _scale: Tensor
    _shift: Tensor

    def __init__(self, config: Any, processor: Any) -> None:
        super().__init__()
        _check_processor(config, processor)
        self.config = config
        self.merge_size = int(processor.image_processor.merge_size)
        self._reads_bytes = False
        each = int(processor.image_processor.temporal_patch_size) * int(processor.image_processor.patch_size) ** 2
        mean, std = (torch.tensor(values).repeat_interleave(each) for values in _mean_and_std(processor))
        self.register_buffer("_scale", 1 / (255 * std), persistent=False)
        self.register_buffer("_shift", -mean / std, persistent=False)

    def reader(self, processor: Any, config: ReadingConfig) -> QwenReader:
        """Returns the reader of images and video."""
        return QwenReader(processor, config)

    def speed_up(self, model: Any) -> None:
        """See `fast_vision` and `fast_language`; for `sdpa` attention, another is left as it is."""
        if model.config._attn_implementation != "sdpa":
            return
        self._is_fast = True
        speed_up_linear(model)
        self._reads_bytes = speed_up_vision(model.visual, self.vision_classes)
        # The last layer's shortcut needs deepstack features to be in before it.
        if self.config.get_text_config().num_hidden_layers > self.num_deepstack:
            self._is_one_pass = speed_up_language(model.language_model, self.language_classes)

    @property
    def num_deepstack(self) -> int:
        """K, how many deeper layers are given features of their own."""
        return 0

    def pixels(self, patches: Tensor) -> Tensor:
        """Returns patches (N, ...) uint8 normalised, as the vision tower takes them."""
        return torch.addcmul(self._shift, patches.to(self._scale.dtype), self._scale)

    def select(self, media: Mapping[str, Tensor], which: Sequence[int]) -> dict[str, Tensor]:
        """Returns the tensors of the media with these indices."""
        if list(which) == list(range(len(media["grids"]))):
            return dict(media)
        patches = media["patches"].split(media["grids"].prod(-1).tolist())
        others = {name: tensor[list(which)] for name, tensor in media.items() if name != "patches"}
        return others | {"patches": torch.cat([patches[medium] for medium in which])}

    def see(self, model: Any, media: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Returns the features (V, 1 + K, D) of each medium."""
        patches, grids, modalities = media["patches"], media["grids"], media["modalities"]
        if self._reads_bytes:
            still = (modalities != Modality.VIDEO.value).repeat_interleave(grids.prod(-1))
            inputs = embed_patches(model.visual.patch_embed.proj, patches, still, self._scale, self._shift)
        else:
            inputs = self.pixels(patches).to(model.visual.dtype)
        seen = model.visual(inputs, grid_thw=grids, **({"shared": SharedByLayers()} if self._is_fast else {}))
        features: Tensor = torch.stack([seen.pooler_output, *self.deepstack_features(seen)], dim=1)
        return tuple(features.split((grids.prod(-1) // self.merge_size**2).tolist()))

    def project(self, model: Any, seen: Tensor) -> Tensor:
        """Returns what the tower made: its merger has projected it."""
        return seen

    def deepstack_features(self, seen: Any) -> Sequence[Tensor]:
        """Returns the K features (V, D) for deeper layers, of what the vision tower returned."""
        return ()

    def positions(self, micro_batch: MicroBatch, sequential: bool) -> Tensor:
        """Returns (3, n, L) positions in time, height and width."""
        mask = micro_batch.attention_mask
        if sequential or not micro_batch.media:
            return sequential_positions(mask)
        is_video = micro_batch.media["modalities"] == Modality.VIDEO.value
        grids, intervals = self.runs(micro_batch.media["grids"], micro_batch.media["intervals"], is_video)
        return mrope_positions(mask, micro_batch.token_types, grids, intervals, self.merge_size)

    def runs(self, grids: Tensor, seconds: Tensor, is_video: Tensor) -> tuple[Tensor, Tensor]:
        """Returns grids (R, 3) and intervals (R,) of the runs of visual tokens, see `mrope_positions`, given those of the media.

        Args:
            grids: (M, 3).
            seconds: (M,) that a patch in time stands for.
            is_video: (M,).
        """
        return grids, torch.ones(len(grids), device=grids.device)

    def deeper(self, features: Tensor, seen: Tensor) -> dict[str, Any]:
        """Returns what the language model is given of the features for deeper layers."""
        if not self.num_deepstack:
            return {}
        return {"visual_pos_masks": seen, "deepstack_visual_embeds": list(features[:, 1:].unbind(1))}


def _check_processor(config: Any, processor: Any) -> None:
    """Refuses a processor that cuts images or video into other patches than the vision tower takes."""
    vision = config.vision_config
    expected = {
        "patch_size": vision.patch_size,
        "merge_size": vision.spatial_merge_size,
        "temporal_patch_size": vision.temporal_patch_size,
    }
    for part in ("image_processor", "video_processor"):
        found = {name: getattr(getattr(processor, part), name, None) for name in expected}
        if found != expected:
            hint = "It is another model's: copy the processor files of the checkpoint itself."
            raise CheckpointError(must_be(f"the checkpoint's {part}", f"that of the weights, {expected}", found, hint))


def _mean_and_std(processor: Any) -> tuple[list[float], list[float]]:
    """Returns the mean and the deviation that pixels are normalised by."""
    image, video = processor.image_processor, processor.video_processor
    mean, std = list(image.image_mean), list(image.image_std)
    if (mean, std) != (list(video.image_mean), list(video.image_std)):
        found = f"{image.image_mean} and {video.image_mean}"
        raise CheckpointError(must_be("image_mean and image_std of the checkpoint", "the same for images and video", found))
    return mean, std
