"""What `python -m unite.evaluate` alone builds."""

from __future__ import annotations

from pathlib import Path

from unite.config.schema import EvaluateConfig
from unite.embedding.cache import DiskCache, tell_outdated
from unite.encoder.vlm import VLMEncoder
from unite.processes import is_first_rank


def build_cache(config: EvaluateConfig, encoder: VLMEncoder) -> DiskCache | None:
    """Opens the folder of embeddings that earlier evaluations of this encoder left, unless `cache` is null."""
    if config.cache is None:
        return None
    cache = DiskCache.of_encoder(config.cache, encoder)
    if is_first_rank():
        tell_outdated(Path(config.cache), Path(config.data_root) / "embeddings")  # where they lay at first
    return cache
