"""What `python -m unite.curate` builds."""

from __future__ import annotations

from omegaconf import OmegaConf

from unite.build.component import build
from unite.config.schema import CurateConfig
from unite.curation.pipeline import Curation


def build_curation(config: CurateConfig) -> Curation:
    """Builds a curation; a recipe without a name takes that of its key."""
    return Curation(
        [build(recipe, name=recipe.get("name") or key) for key, recipe in config.recipes.items()],
        [build(step) for step in config.steps.values()],
        out=config.out,
        media=build(config.media),
        rows_per_part=config.rows_per_part,
        samples_per_shard=config.samples_per_shard,
        seed=config.seed,
        workers=config.workers,
        engine=config.engine.value,
        max_unusable_share=config.max_unusable_share,
        config=OmegaConf.to_container(config, resolve=True, enum_to_str=True),  # type: ignore[arg-type]
    )
