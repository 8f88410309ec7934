"""A vision-language model as an embedder: micro-batch in, unit vectors out.

Shapes: n contents, L tokens, M media, N patches, V visual tokens (merged patches), D width.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unite.encoder.adapters import LoRA, add_lora, has_lora, merge_lora
from unite.encoder.checkpoint import EncoderSettings, load_checkpoint, save_checkpoint
from unite.encoder.fast_language import speed_up_language
from unite.encoder.fast_vision import speed_up_vision
from unite.encoder.pooling import last_positions, last_token
from unite.encoder.positions import mrope_positions, sequential_positions
from unite.encoder.processor import ContentProcessor
from unite.encoder.prompt import Prompt
from unite.errors import CheckpointError, must_be
from unite.types import MicroBatch


class VLMEncoder(nn.Module):
    """Embeds contents with a Qwen-VL model: UNITE's prompt, last-token pooling, unit length.

    Args:
        path: a folder or a hub name. A folder that `save` wrote brings its own settings, which then win.
        positions, dtype, min_image_tokens, max_image_tokens, max_frame_pixels, max_length, system_prompt: see `EncoderSettings`.
        adapter: LoRA on the language model's linear layers, once `add_adapter` is called; None trains all of the language model.
        train_vision: whether the vision tower is trained.
        attention: the implementation, as transformers names it.
        gradient_checkpointing: recompute activations in the backward pass.

    Raises:
        CheckpointError: if there is no such checkpoint, or weights are missing from it.
        ConfigError: if a setting is out of its range.
    """

    model: Any  # a transformers model: its attributes are not typed
    _scale: Tensor
    _shift: Tensor

    def __init__(
        self,
        path: str,
        positions: str = "mrope",
        adapter: LoRA | None = None,
        train_vision: bool = False,
        dtype: str = "bfloat16",
        attention: str = "sdpa",
        gradient_checkpointing: bool = False,
        min_image_tokens: int = 256,
        max_image_tokens: int = 1280,
        max_frame_pixels: int = 240 * 320,
        max_length: int = 2048,
        system_prompt: str | None = "You are a helpful assistant.",
    ) -> None:
        super().__init__()
        given = EncoderSettings(positions, dtype, min_image_tokens, max_image_tokens, max_frame_pixels, max_length, system_prompt)
        self.settings = given.of_folder(path)
        self.positions = self.settings.positions
        self.model, hf_processor = load_checkpoint(path, self.settings.dtype, attention)
        self.processor = ContentProcessor(
            hf_processor,
            Prompt(self.settings.system_prompt),
            self.settings.min_image_tokens,
            self.settings.max_image_tokens,
            self.settings.max_frame_pixels,
            self.settings.max_length,
        )
        self.adapter = adapter
        self.model.language_model.requires_grad_(adapter is None)
        self.model.visual.requires_grad_(train_vision)
        self._num_deepstack = len(getattr(self.model.visual, "deepstack_visual_indexes", ()))
        # The last layer's shortcut needs deepstack features to be in before it.
        self._fast = attention == "sdpa" and self.model.config.get_text_config().num_hidden_layers > self._num_deepstack
        if attention == "sdpa":
            speed_up_vision(self.model.visual)
        if self._fast:
            speed_up_language(self.model.language_model)
        if gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
        mean, std = (torch.tensor(values).repeat_interleave(self.processor.patch_dim // 3) for values in _mean_and_std(hf_processor))
        self.register_buffer("_scale", 1 / (255 * std), persistent=False)
        self.register_buffer("_shift", -mean / std, persistent=False)

    @property
    def dim(self) -> int:
        """D, the width of an embedding."""
        return int(self.model.config.get_text_config().hidden_size)

    @property
    def vision_is_frozen(self) -> bool:
        """Whether the features of a medium stay the same from step to step."""
        return not any(parameter.requires_grad for parameter in self.model.visual.parameters())

    def forward(self, micro_batch: MicroBatch, media_features: Tensor | None = None) -> Tensor:
        """Embeds n contents.

        Args:
            micro_batch: on the model's device.
            media_features: what `encode_media` returned for it, so that the vision tower runs once for several passes.

        Returns:
            (n, D) float32, unit length.
        """
        features = self.encode_media(micro_batch) if media_features is None else media_features
        mask = micro_batch.attention_mask
        states = self.model.get_input_embeddings()(micro_batch.input_ids)
        deepstack: dict[str, Any] = {}
        if len(features):
            visual = micro_batch.token_types > 0
            states = states.masked_scatter(visual[..., None], features[:, 0].to(states.dtype))
            if self._num_deepstack:
                deepstack = {"visual_pos_masks": visual, "deepstack_visual_embeds": list(features[:, 1:].unbind(1))}
        last = {"last": last_positions(mask)} if self._fast else {}
        # No mask: padding is on the right and attention causal, so that no token sees any.
        hidden = self.model.language_model(
            inputs_embeds=states, attention_mask=None, position_ids=self._positions(micro_batch), use_cache=False, **deepstack, **last
        ).last_hidden_state
        pooled = hidden[:, 0] if self._fast else last_token(hidden, mask)
        return nn.functional.normalize(pooled.float(), dim=-1)

    def encode_media(self, micro_batch: MicroBatch, known: dict[tuple[int, int], Tensor] | None = None) -> Tensor:
        """Runs the vision tower once over each different medium of a micro-batch.

        Args:
            micro_batch: on the model's device.
            known: features by (fingerprint, medium type). What is there is not computed again and what is new is added, so that one
                dictionary serves all micro-batches of a step and, with a frozen tower, their replay.

        Returns:
            (V, 1 + K, D): for each visual token, in the order of the tokens, what takes its place, and the K features that deeper layers
            add to it (Qwen3-VL's deepstack; 0 for the others).
        """
        known = {} if known is None else known
        names = list(zip(micro_batch.media.tolist(), micro_batch.medium_types.tolist(), strict=True))
        new = {name: at for at, name in enumerate(names) if name not in known}
        if new:
            patches = micro_batch.patches.split(micro_batch.grids.prod(-1).tolist())
            features = self._see(torch.cat([patches[at] for at in new.values()]), micro_batch.grids[list(new.values())])
            known.update(zip(new, features, strict=True))
        if not names:
            return self._scale.new_empty(0, 1 + self._num_deepstack, self.dim)
        return torch.cat([known[name] for name in names])

    def _see(self, patches: Tensor, grids: Tensor) -> tuple[Tensor, ...]:
        """Returns the features (V of it, 1 + K, D) of each medium, given its patches (N, ...) and grids (M, 3)."""
        pixels = torch.addcmul(self._shift, patches.to(self._scale.dtype), self._scale)
        seen = self.model.visual(pixels.to(self.model.visual.dtype), grid_thw=grids)
        deeper = seen.deepstack_features if self._num_deepstack else []
        features = torch.stack([seen.pooler_output, *deeper], dim=1)
        return tuple(features.split((grids.prod(-1) // self.processor.merge_size**2).tolist()))

    def add_adapter(self) -> None:
        """Adds a fresh adapter, if the encoder has one configured: a stage begins.

        Raises:
            CheckpointError: if the adapter of the stage before is not merged.
        """
        self._check_merged("before another adapter is added")
        if self.adapter is not None:
            self.model.language_model = add_lora(self.model.language_model, self.adapter)

    def merge_adapter(self) -> None:
        """Merges the adapter, if there is one, into the weights: a stage ends."""
        self.model.language_model = merge_lora(self.model.language_model)

    def save(self, folder: str | Path) -> None:
        """Exports a folder that transformers' AutoModel and this class load: weights, processor, settings. It replaces one of its name.

        Raises:
            CheckpointError: if an adapter is not merged yet.
        """
        self._check_merged("before it is saved")
        save_checkpoint(Path(folder), self.model, self.processor.processor, self.settings)

    def _check_merged(self, when: str) -> None:
        if has_lora(self.model.language_model):
            raise CheckpointError(must_be("the encoder's adapter", f"merged {when}", "not merged", "Call merge_adapter() first."))

    def _positions(self, micro_batch: MicroBatch) -> Tensor:
        """Returns (3, n, L) positions."""
        mask, grids = micro_batch.attention_mask, micro_batch.grids
        if self.positions == "sequential" or not len(grids):
            return sequential_positions(mask)
        is_video = micro_batch.medium_types == 2
        intervals = torch.ones(len(grids), device=grids.device)
        family = self.model.config.model_type
        if family == "qwen2_5_vl":  # video time is measured in seconds
            per_second = self.model.config.vision_config.tokens_per_second
            intervals = torch.where(is_video, micro_batch.intervals * per_second, 1.0)
        if family == "qwen3_vl":  # each patch in time of a video is a run of its own, after its timestamp
            runs = torch.where(is_video, grids[:, 0], 1)
            grids = torch.cat([torch.where(is_video, 1, grids[:, 0])[:, None], grids[:, 1:]], dim=1).repeat_interleave(runs, dim=0)
            intervals = intervals.repeat_interleave(runs)
        return mrope_positions(mask, micro_batch.token_types, grids, intervals, self.processor.merge_size)


def _mean_and_std(processor: Any) -> tuple[list[float], list[float]]:
    """Returns the mean and the deviation that pixels are normalised by."""
    image, video = processor.image_processor, processor.video_processor
    mean, std = list(image.image_mean), list(image.image_std)
    if (mean, std) != (list(video.image_mean), list(video.image_std)):
        is_ = f"{image.image_mean} and {video.image_mean}"
        raise CheckpointError(must_be("image_mean and image_std of the checkpoint", "the same for images and video", is_))
    return mean, std
