"""A vision-language model as an embedder: micro-batch in, unit vectors out.

What is particular to a backbone is in `families`.

Shapes: n contents, L tokens, V tokens of media, D width.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from unite.encoder.adapters import LoRA, add_lora, has_lora, merge_lora
from unite.encoder.checkpoint import EncoderSettings, load_checkpoint, save_checkpoint
from unite.encoder.families.family import Family
from unite.encoder.pooling import last_positions
from unite.encoder.processor import ContentProcessor
from unite.errors import CheckpointError, must_be
from unite.types import MicroBatch


class VLMEncoder(nn.Module):
    """Embeds contents with a vision-language model: UNITE's prompt, last-token pooling, unit length.

    Args:
        path: a folder or a hub name. A folder that `save` wrote brings its own settings, which then win.
        positions, dtype, min_image_tokens, max_image_tokens, max_frame_pixels, max_length, system_prompt: see `EncoderSettings`.
        adapter: LoRA on the language model's linear layers, once `add_adapter` is called; None trains all of the language model.
        train_vision: whether the towers that see are trained.
        attention: the implementation, as transformers names it.
        gradient_checkpointing: recompute activations in the backward pass.

    Raises:
        CheckpointError: if there is no such checkpoint, or weights are missing from it.
        ConfigError: if a setting is out of its range.
    """

    model: Any  # a transformers model: its attributes are not typed
    family: Family

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
        self.model, processor, self.family = load_checkpoint(path, self.settings.dtype, attention)
        caps = self.settings.min_image_tokens, self.settings.max_image_tokens, self.settings.max_frame_pixels
        self.processor = ContentProcessor(
            processor,
            self.family.reader(processor, *caps),
            self.family.token_types,
            self.family.prompt(self.settings.system_prompt),
            self.settings.max_length,
        )
        self.adapter = adapter
        self._language_model.requires_grad_(adapter is None)
        for tower in self.family.towers(self.model):
            tower.requires_grad_(train_vision)
        self.family.speed_up(self.model)
        if gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})

    @property
    def dim(self) -> int:
        """D, the width of an embedding."""
        return int(self.model.config.get_text_config().hidden_size)

    @property
    def vision_is_frozen(self) -> bool:
        """Whether the features of a medium stay the same from step to step."""
        return not any(parameter.requires_grad for tower in self.family.towers(self.model) for parameter in tower.parameters())

    def forward(self, micro_batch: MicroBatch, media_features: Tensor | None = None) -> Tensor:
        """Embeds n contents.

        Args:
            micro_batch: on the model's device.
            media_features: what `encode_media` returned for it, so that the vision tower runs once for several passes.

        Returns:
            (n, D) float32, unit length.
        """
        features = self.encode_media(micro_batch) if media_features is None else media_features
        positions = self.family.positions(micro_batch, self.positions == "sequential")
        pooled = self.family.states(self.model, micro_batch, features, positions, last_positions(micro_batch.attention_mask))
        return nn.functional.normalize(pooled.float(), dim=-1)

    def encode_media(self, micro_batch: MicroBatch, known: dict[tuple[int, int], Tensor] | None = None) -> Tensor:
        """Runs the towers once over each different medium of a micro-batch.

        Args:
            micro_batch: on the model's device.
            known: features by name (`MicroBatch.media_names`). What is there is not computed again and what is new is added, so that one
                dictionary serves all micro-batches of a step and, with frozen towers, their replay.

        Returns:
            (V, 1 + K, D): for each token of a medium, in the order of the tokens, what takes its place, and the K features that deeper
            layers add to it (Qwen3-VL's deepstack; 0 for most). Without media it is empty.
        """
        known = {} if known is None else known
        names = micro_batch.media_names
        new = {name: medium for medium, name in enumerate(names) if name not in known}
        if new:
            known.update(zip(new, self.family.see(self.model, micro_batch.media, list(new.values())), strict=True))
        return torch.cat([known[name] for name in names]) if names else torch.empty(0, 1, self.dim)

    def add_adapter(self) -> None:
        """Adds a fresh adapter, if the encoder has one configured: a stage begins.

        Raises:
            CheckpointError: if the adapter of the stage before is not merged.
        """
        self._check_merged("before another adapter is added")
        if self.adapter is not None:
            setattr(self.model, self.family.language_model, add_lora(self._language_model, self.adapter))

    def merge_adapter(self) -> None:
        """Merges the adapter, if there is one, into the weights: a stage ends."""
        setattr(self.model, self.family.language_model, merge_lora(self._language_model))

    def save(self, folder: str | Path) -> None:
        """Exports a folder that transformers' AutoModel and this class load: weights, processor, settings. It replaces one of its name.

        Raises:
            CheckpointError: if an adapter is not merged yet.
        """
        self._check_merged("before it is saved")
        save_checkpoint(Path(folder), self.model, self.processor.processor, self.settings)

    @property
    def _language_model(self) -> nn.Module:
        return cast(nn.Module, getattr(self.model, self.family.language_model))

    def _check_merged(self, when: str) -> None:
        if has_lora(self._language_model):
            raise CheckpointError(must_be("the encoder's adapter", f"merged {when}", "not merged", "Call merge_adapter() first."))
