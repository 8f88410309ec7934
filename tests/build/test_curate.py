"""A curation is built whole or told, in one go, everything that is wrong with its recipes and steps."""

import re

import pytest

from tests.composed import composed
from unite.build.curate import build_curation, curate
from unite.errors import CollectedError, ConfigError, DataError

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
    parts = (
        r"^steps.short.min_words must",
        r"steps.twice must",
        r"^recipes.nli.annotations must .*gone.csv",
        r"^recipes.cats.direction must",
    )
    for part, error in zip(parts, errors, strict=True):
        assert re.search(part, error)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        (
            "text,label",
            [],
            r"such that one is the anchor .* but is 'text, label'. Set recipes.nli.anchor=\.\.\. to the column that is meant",
        ),
        ("anchor,text", ["recipes.nli.name=pairs"], r"one is the positive .* but is 'anchor, text'. Set recipes.nli.positive=\.\.\. to"),
        (
            "anchor,positive",
            ["recipes.nli.anchor=querry", "recipes.nli.positive=answer"],
            r"such that querry, answer is .* found are: anchor, positive. Set recipes.nli.anchor=\.\.\. recipes.nli.positive=\.\.\. to",
        ),
        ("a,anchor,positive,negative_text", [], r"Set recipes.nli.negatives=\[\.\.\.\] to those"),
    ],
)
def test_a_missing_column_names_those_found_and_the_option_as_it_is_written(given, tmp_path, header, options, message):
    (tmp_path / "pairs.csv").write_text(f"{header}\na cat,a feline\n")
    with pytest.raises(DataError, match=message):
        build_curation(composed("curate", *(one for one in given if "recipes.more" not in one), *options))


def test_what_a_step_refuses_once_it_sees_the_set_names_the_option_as_it_is_written(given):
    shares = ["+step@steps.even=balance", "+steps.even.shares={text-to-video: 1}", "~recipes.cats", "max_unusable_share=1"]
    with pytest.raises(DataError, match=r"^steps.even.shares must be of pairs that the set has, but is .*text-to-text"):
        curate(composed("curate", *given, *shares))


def test_one_fault_is_told_as_it_is_and_without_any_all_are_built(given, tmp_path):
    with pytest.raises(ConfigError, match=r"^steps.short.min_words must be from 0 to max_words \(512\), but is 600"):
        build_curation(composed("curate", *given, "steps.short.min_words=600"))
    curation = build_curation(composed("curate", *given, "recipes.more.name=others"))
    assert [recipe.name for recipe in curation.recipes] == ["nli", "cats", "others"]
    assert [step.name for step in curation.steps] == ["text_length", "image_size", "exact_duplicates"]
