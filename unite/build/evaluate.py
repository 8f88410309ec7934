"""What `python -m unite.evaluate` alone builds."""

from __future__ import annotations

from unite.config.schema import EvaluateConfig
from unite.embedding.cache import DiskCache
from unite.encoder.vlm import VLMEncoder


def build_cache(config: EvaluateConfig, encoder: VLMEncoder) -> DiskCache | None:
    """Opens the folder of embeddings that earlier evaluations of this encoder left, unless `cache` is null."""
    return None if config.cache is None else DiskCache.of_encoder(config.cache, encoder)
