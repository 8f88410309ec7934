"""What earlier versions called a component, so that their configs and run folders are still read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from unite.config.schema.prompt import PromptConfig

#: The `_target_` of commit 2ff6e78 and earlier -> that of today. Of options that have other names, a message lists the good ones.
MOVED = {
    "unite.curation.checkpoint_embedder.CheckpointEmbedder": "unite.embedding.Embedder",
    "unite.curation.emoji_world.EmojiWorld": "unite.worlds.emoji.EmojiWorld",
    "unite.encoder.VLMEncoder": "unite.encoder.vlm.VLMEncoder",
    "unite.encoder.build_tiny_checkpoint": "unite.encoder.tiny.build_tiny_checkpoint",
    "unite.training.optimizer.AdamWCosine": "unite.training.adamw.AdamWCosine",
    # Options alone today, which name no component: built where they stand in a config of one's own.
    "unite.encoder.LoRA": "unite.config.schema.encoder.LoRAConfig",
    "unite.data.decode.Decoding": "unite.config.schema.media.Decoding",
    "unite.curation.media.MediaPolicy": "unite.config.schema.media.MediaPolicy",
}


def as_of_today(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the flat config of a run folder (full key -> value) with the names that its components have today.

    An encoder without a prompt was trained when UNITE's was the only one.
    """
    named = {key: MOVED.get(value, value) if key.endswith("_target_") else value for key, value in values.items()}
    if "encoder.system_prompt" in named:
        named = {f"encoder.prompt.{name}": value for name, value in asdict(PromptConfig()).items()} | named
    return {key: value for key, value in named.items() if not (key.endswith("_target_") and ".schema." in str(value))}
