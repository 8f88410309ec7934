"""`--help` as a user reads it, and that nothing in it stays unexplained."""

import dataclasses
import re
import subprocess
import sys

import pytest

from unite.config import schema
from unite.config.help import option_lines
from unite.config.register import CONF

NODES = [node for node in vars(schema).values() if dataclasses.is_dataclass(node)]


def shown(command, *arguments, folder):
    done = subprocess.run([sys.executable, "-m", f"unite.{command}", "--help", *arguments], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def line_of(text, start):
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(start))


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.__name__)
def test_every_option_of_the_schema_is_explained(node):
    assert {field.name for field in dataclasses.fields(node)} - {"_target_"} == {name for name, line in option_lines(node).items() if line}


@pytest.mark.parametrize("option", sorted(CONF.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_option_of_a_group_begins_with_what_it_is(option):
    lines = [line for line in option.read_text().splitlines() if "@package" not in line]
    assert re.match(r"# \w.*\w", lines[0])


def test_training_is_explained(tmp_path):
    (tmp_path / "conf" / "mixture").mkdir(parents=True)
    (tmp_path / "conf" / "mixture" / "mine.yaml").write_text("# Photographs of my own.\ndefaults: [schema]\n")
    text = shown("train", "objective=infonce", "data.batch_size=7", folder=tmp_path)
    assert re.fullmatch(r"data.batch_size=7 +samples a step over all ranks", line_of(text, "data.batch_size"))
    assert re.fullmatch(r"encoder.path='' +hub name or folder of the weights, or of a PEFT adapter, .*", line_of(text, "encoder.path"))
    assert re.fullmatch(r"mixture.sources.<name>.neighbours=4 +how many .*", line_of(text, "mixture.sources.<name>.neighbours"))
    assert line_of(text, "objective=") == "objective=infonce" and "mamcl  " in text
    assert re.fullmatch(r"mine +Photographs of my own", line_of(text, "mine"))
    assert "recipe" not in text and line_of(text, "+experiment=")
    assert [
        line
        for line in text.splitlines()
        if "=" in line and line.startswith("  ") and not re.match(r"  \S+=.*  \w|  \S+=\S*$|    \S", line)
    ] == []


def test_a_recipe_and_a_step_are_explained_once_they_are_added(tmp_path):
    text = shown("curate", "+recipe@recipes.nli=text_pairs", "+step@steps.like=similarity", folder=tmp_path)
    assert re.fullmatch(r"recipes.nli.annotations=<to be given> +a file or a glob: .*", line_of(text, "recipes.nli.annotations"))
    assert re.fullmatch(r"steps.like.embed.checkpoint=<to be given> +a run folder, .*", line_of(text, "steps.like.embed.checkpoint"))
    assert re.fullmatch(r"out=<to be given> +the folder of the set", line_of(text, "out="))
    assert line_of(text, "+recipe@recipes.<name>=") and "optimizer" not in text


def test_a_plan_has_the_options_of_a_run_and_its_own_name(tmp_path):
    text = shown("plan", folder=tmp_path)
    assert text.startswith("python -m unite.plan [option=value ...]") and "plan.device=h100" in text and "+experiment=" in text
