"""What `python -m unite.curate` builds."""

from __future__ import annotations

from omegaconf import OmegaConf

from unite.build.component import build
from unite.config.schema import CurateConfig
from unite.curation.pipeline import Curation
from unite.progress import tracked


def build_curation(config: CurateConfig) -> Curation:
    """Builds a curation; a recipe without a name takes that of its key."""
    recipes = tracked(config.recipes.items(), "looking through the collections", "recipes")
    return Curation(
        [build(recipe, f"recipes.{key}", name=recipe.get("name") or key) for key, recipe in recipes],
        [build(step, f"steps.{key}") for key, step in config.steps.items()],
        out=config.out,
        media=OmegaConf.to_object(config.media),  # type: ignore[arg-type]
        rows_per_part=config.rows_per_part,
        samples_per_shard=config.samples_per_shard,
        seed=config.seed,
        workers=config.workers,
        engine=str(config.engine),
        max_unusable_share=config.max_unusable_share,
        config=OmegaConf.to_container(config, resolve=True, enum_to_str=True),  # type: ignore[arg-type]
    )
