"""A curation is built whole or told, in one go, everything that is wrong with its recipes and steps."""

import pytest

from tests.composed import composed
from unite.build.curate import build_curation
from unite.errors import CollectedError, ConfigError

RECIPES = ["+recipe@recipes.nli=text_pairs", "+recipe@recipes.cats=image_captions", "+recipe@recipes.more=text_pairs"]
STEPS = ["+step@steps.short=text_length", "+step@steps.small=image_size", "+step@steps.twice=exact_duplicates"]


@pytest.fixture
def given(tmp_path):
    """What is right in all options."""
    (tmp_path / "pairs.csv").write_text("anchor,positive\na cat,a feline\n")
    (tmp_path / "images.csv").write_text("image,caption\ncat.jpg,a cat\n")
    files = {"nli": "pairs", "cats": "images", "more": "pairs"}
    return [*RECIPES, *STEPS, f"out={tmp_path}/set", *(f"recipes.{key}.annotations={tmp_path}/{file}.csv" for key, file in files.items())]


def test_several_faults_of_recipes_and_steps_are_told_at_once(given, tmp_path):
    wrong = [
        "steps.short.min_words=600",
        "+steps.twice.filed=all",
        f"recipes.nli.annotations={tmp_path}/gone.csv",
        "recipes.cats.direction=sideways",
    ]
    with pytest.raises(CollectedError) as told:
        build_curation(composed("curate", *given, *wrong))
    errors = [str(error) for error in told.value.errors]
    assert len(errors) == 4
    for part, error in zip(("min_words", "steps.twice", "gone.csv", "direction"), errors, strict=True):
        assert part in error
    assert not (tmp_path / "set").exists()


def test_one_fault_is_told_as_it_is_and_without_any_all_are_built(given, tmp_path):
    with pytest.raises(ConfigError, match=r"^text_length.min_words must be from 0 to max_words \(512\), but is 600"):
        build_curation(composed("curate", *given, "steps.short.min_words=600"))
    curation = build_curation(composed("curate", *given, "recipes.more.name=others"))
    assert [recipe.name for recipe in curation.recipes] == ["nli", "cats", "others"]
    assert [step.name for step in curation.steps] == ["text_length", "image_size", "exact_duplicates"]
