"""Components of the tests' own and of the project: what may stand beside a `_target_`, and what is said of what may not."""

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import pytest
from omegaconf import OmegaConf

from unite.config.moved import MOVED
from unite.config.register import CONF
from unite.config.schema import Decoding, MAMCLConfig
from unite.config.target import UNKNOWN, assemble, find_target, options_of
from unite.errors import CollectedError, ConfigError, DataError
from unite.objective import MAMCL

HERE = __name__


class Reader(Protocol):
    def read(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Plain:
    folder: str
    direction: Literal["there", "back"] = "there"
    decoding: Decoding = field(default_factory=Decoding)
    weights: dict[str, float] | None = None
    reader: Reader | None = None


class Wide:
    def __init__(self, width: int, **rest: int) -> None:
        self.width, self.rest = width, rest


@dataclass(kw_only=True)
class Configured:
    number: int
    inner: Decoding = field(default_factory=Decoding)


class Component:
    def __init__(self, config: Configured, root: str) -> None:
        self.config, self.root = config, root


def plain(**options):
    return {"_target_": f"{HERE}.Plain", **options}


def test_values_become_what_the_component_takes():
    made = assemble(plain(folder=7, decoding={"fps": 2}, weights={"a": 1}), "x")
    assert made == Plain(folder="7", decoding=Decoding(fps=2.0), weights={"a": 1.0})


def test_inner_components_are_made_first_wherever_they_stand():
    wide = {"_target_": f"{HERE}.Wide", "width": 1, "b": 2}
    made = assemble({"_target_": f"{HERE}.Wide", "width": 3, "others": [wide], "named": {"one": wide}}, "x")
    assert made.width == 3 and made.rest["others"][0].rest == {"b": 2} and made.rest["named"]["one"].width == 1


def test_a_component_takes_its_dataclass_and_what_the_code_gives():
    made = assemble({"_target_": f"{HERE}.Component", "number": 3, "inner": {"max_frames": 9}}, "x", {"root": "r"})
    assert made.config == Configured(number=3, inner=Decoding(max_frames=9)) and made.root == "r"
    again = assemble({"_target_": f"{HERE}.Component", "number": 3}, "x", {"root": "r", "number": 4})
    assert again.config.number == 4  # what the code gives wins


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"folder": "f", "direktion": "x"},
            "an option of steps.x must be one of decoding, direction, .*'direktion'. Did you mean 'direction'",
        ),
        ({}, r"steps.x.folder must be given, but is 'missing'. Add steps.x.folder=\.\.\."),
        ({"folder": None}, r"steps.x.folder must be given"),
        ({"folder": "f", "direction": "up"}, "steps.x.direction must be 'there' or 'back', but is 'up'"),
        ({"folder": "f", "weights": {"a": "b"}}, "steps.x.weights.a must be a valid number, but is 'b'"),
        ({"folder": {"a": 1}}, "steps.x.folder must be a valid string, but is {'a': 1}"),
        (
            {"folder": "f", "decoding": {"fpss": 1}},
            "an option of steps.x.decoding must be one of deadline_seconds, end_seconds, fps, .* but is 'fpss'. Did you mean 'fps'",
        ),
        ({"folder": "f", "decoding": {"fps": "fast"}}, "steps.x.decoding.fps must be a valid number, but is 'fast'"),
        ({"folder": "f", "decoding": {"fps": -1}}, "decoding.fps must be above 0, but is -1"),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(options, message):
    for dry in (False, True):
        if dry and "must be given" in message:
            continue  # what is still to be given may be missing then
        with pytest.raises(ConfigError, match=message):
            assemble({"x": plain(**options)}["x"], "steps.x", dry=dry)


def test_a_dry_run_makes_nothing_and_waits_for_what_is_not_given(tmp_path):
    lines = {"_target_": "unite.curation.recipes.text_pairs.TextPairs", "name": None, "annotations": "???"}
    assert assemble(lines, "recipes.x", dry=True) is UNKNOWN
    with pytest.raises(ConfigError, match=r"recipes.x.instruction must be a valid string, but is \['a'\]"):
        assemble({**lines, "instruction": ["a"]}, "recipes.x", dry=True)


@dataclass(frozen=True)
class Named:
    limit: int = 0
    name: str = "plain"

    def __post_init__(self):
        said = f"{self.name}.limit of data/{self.name}.limit or x.{self.name}.limit, not {self.name}.limits: {self.name}.limit=1"
        raise ConfigError(said) if self.limit == 0 else CollectedError([ConfigError(said), DataError(f"{self.name}.name")])


def test_what_a_component_says_of_its_own_options_is_told_as_they_are_written():
    """Whatever name it goes by; not what is part of a path or of a longer name."""
    for options, given, name in (({}, {}, "plain"), ({"name": "a+b"}, {}, "a+b"), ({"name": "x"}, {"name": "y"}, "y")):
        with pytest.raises(ConfigError) as told:
            assemble({"_target_": f"{HERE}.Named", **options}, "steps.s", given)
        assert str(told.value) == f"steps.s.limit of data/{name}.limit or x.{name}.limit, not {name}.limits: steps.s.limit=1"
    with pytest.raises(CollectedError, match=r"steps.s.limit of(.|\n)*\n  steps.s.name$"):
        assemble({"_target_": f"{HERE}.Named", "limit": 1}, "steps.s")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "unite.curation.steps.text_length.TextLengthh",
            "must be one of unite.curation.steps.text_length.TextLength, but is .*Did you mean",
        ),
        ("unite.objektive.MAMCL", "steps.x._target_ must be the full name of a class or function, .*No module named 'unite.objektive'"),
        ("MAMCL", "must be the full name of a class or function, but is 'MAMCL'"),
        ("", "must be the full name of a class or function, but is ''"),
    ],
)
def test_a_target_that_is_not_there(name, message):
    with pytest.raises(ConfigError, match=message):
        find_target(name, "steps.x._target_")


@pytest.mark.parametrize("old", MOVED)
def test_what_an_earlier_version_called_a_component_is_found(old):
    assert find_target(old, "x") is find_target(MOVED[old], "x")


def test_options_that_were_renamed_are_told():
    old = {"_target_": "unite.curation.checkpoint_embedder.CheckpointEmbedder", "path": "runs/x", "max_frames": 4}
    with pytest.raises(ConfigError, match=r"steps.s.embed.checkpoint must be given|an option of steps.s.embed must be one of .*checkpoint"):
        assemble(old, "steps.s.embed")


def test_the_projects_objective_is_built_of_its_options():
    made = assemble({"_target_": "unite.objective.MAMCL", "temperature": 0.5, "symmetric": True}, "objective")
    assert isinstance(made, MAMCL) and made.symmetric and made.temperature().item() == 0.5
    assert options_of(MAMCL).config is MAMCLConfig


@pytest.mark.parametrize("path", sorted([*(CONF / "recipe").glob("*.yaml"), *(CONF / "step").glob("*.yaml")]), ids=lambda path: path.stem)
def test_a_recipes_and_a_steps_file_shows_every_option_with_its_default(path: Path):
    shown = OmegaConf.to_container(OmegaConf.load(path))
    target = find_target(shown.pop("_target_"), str(path))
    options = options_of(target)
    assert set(shown) == set(options.hints)
    assert {name for name, value in shown.items() if value == "???"} <= options.required
    optional = {name: value for name, value in shown.items() if name not in options.required and "${" not in str(value)}
    defaults = {name: one.default for name, one in inspect.signature(target).parameters.items() if name in optional}
    assert {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()} == optional
