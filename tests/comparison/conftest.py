"""Fixtures of the comparison: run folders, and a comparison that has everything a page can show."""

import pytest

from tests.comparison import material
from tests.comparison.material import compared, make_config, make_suite, make_task, some_failures


@pytest.fixture
def write_run(tmp_path):
    """Writes the folder of a run by its name, see `material.write_run`."""
    return lambda name, *suites, **options: material.write_run(tmp_path / name, *suites, **options)


@pytest.fixture
def everything(write_run):
    """Recipes and suites of a baseline and of two seeds of a better recipe, with held-in tasks, a subset, groups and failures."""
    inside = make_suite(0.6, 5, name="emoji_held_in")
    subset = make_task([1, 2, 3, 1], kind="subset", pool=8)
    write = {"failures": {"t2i": some_failures(), "it2v": some_failures()}}
    runs = [write_run("base", make_suite(0.2, 0, 150, spatial=subset), inside, **write)]
    for seed in range(2):
        config = make_config(seed, optimizer={"lr": "<script>alert(1)</script>"})
        runs.append(write_run(f"bold_seed{seed}", make_suite(0.6, 9, 150, spatial=subset), inside, config=config, **write))
    return compared(*runs)
