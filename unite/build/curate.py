"""What `python -m unite.curate` builds."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, cast

from omegaconf import OmegaConf

from unite.build.component import build
from unite.config.schema import CurateConfig
from unite.config.target import told_in_full
from unite.curation.pipeline import Curation
from unite.curation.raw import Recipe
from unite.curation.steps.step import Step
from unite.errors import UniteError, caught, raise_all
from unite.progress import tracked

#: Where the log lies: the set's datasheet says nothing of it, and is the same each time.
_OF_THE_PLACE = ("runs_root", "run_folder")


def curate(config: CurateConfig) -> dict[str, Any]:
    """Builds a curation, runs it and returns the datasheet.

    Raises:
        UniteError: with everything that is wrong with any recipe or step, or what ends the run.
    """
    curation = build_curation(config)
    with ExitStack() as told:  # a step may refuse an option when it sees the set
        for key, step in config.steps.items():
            told.enter_context(told_in_full(step, f"steps.{key}"))
        for key, recipe in config.recipes.items():
            told.enter_context(told_in_full(recipe, f"recipes.{key}", recipe.get("name") or key))
        return curation.run()


def build_curation(config: CurateConfig) -> Curation:
    """Builds a curation; a recipe without a name takes that of its key.

    Raises:
        UniteError: with everything that is wrong with any recipe or step.
    """
    recipes: list[Recipe] = []
    steps: list[Step] = []
    faults: list[UniteError] = []
    for key, step in config.steps.items():
        faults += caught(lambda key, step: steps.append(build(step, f"steps.{key}")), key, step)
    for key, recipe in tracked(config.recipes.items(), "looking through the collections", "recipes"):
        faults += caught(lambda key, recipe: recipes.append(build(recipe, f"recipes.{key}", name=recipe.get("name") or key)), key, recipe)
    raise_all(faults)
    return Curation(
        recipes,
        steps,
        out=config.out,
        media=OmegaConf.to_object(config.media),  # type: ignore[arg-type]
        rows_per_part=config.rows_per_part,
        samples_per_shard=config.samples_per_shard,
        seed=config.seed,
        workers=config.workers,
        engine=str(config.engine),
        max_unusable_share=config.max_unusable_share,
        config=told_options(config),
    )


def told_options(config: CurateConfig) -> dict[str, Any]:
    """Returns the options that the set follows from, as the datasheet tells them."""
    told = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True, enum_to_str=True))
    return {name: value for name, value in told.items() if name not in _OF_THE_PLACE}
