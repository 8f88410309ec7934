"""What `--help` shows: each option of the composed config with a line of explanation, then each group with its options.

The lines are those of the schema's docstrings, and of the comments in the YAML options.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from omegaconf import DictConfig, OmegaConf

#: How the options of a group that stands in no defaults list are added, and to which command.
_ADDED = {
    "experiment": ("train", "+experiment="),
    "adapter": ("train", "+adapter@encoder.adapter="),
    "source": ("train", "+source@mixture.sources.<name>="),
    "recipe": ("curate", "+recipe@recipes.<name>="),
    "step": ("curate", "+step@steps.<name>="),
}

#: Commands that take another's options.
_AS = {"plan": "train"}


class Option(NamedTuple):
    """An option as `--help` and the documentation show it: its full name, the value that it has as text, and what it is, in a sentence."""

    name: str
    value: str
    line: str


class Group(NamedTuple):
    """A group of options: its folder in conf, how one is chosen on the command line, and (name, line) of each."""

    name: str
    how: str
    choices: list[tuple[str, str]]


def help_text(command: str, config: DictConfig) -> str:
    """Returns the text for a command (`train`, `evaluate`, ...) whose config is composed and not resolved."""
    lines = [
        f"python -m unite.{command} [option=value ...] [group=option ...]",
        "--cfg job shows the whole config, --hydra-help Hydra's own flags; -m sweeps over values parted by commas.",
        "",
        "Options, with the values that this command gives them:",
        *map(_line, options_of(config)),
        "",
        "Groups, and what each may be set to:",
    ]
    for group in groups_of(_AS.get(command, command), config):
        lines += [f"  {group.how}", *(f"    {name:<20}  {line}".rstrip() for name, line in group.choices)]
    return "\n".join(lines).replace("$", "$$")  # Hydra takes it for a template


def options_of(config: DictConfig) -> Iterator[Option]:
    """Yields every option of a command's config, composed with Hydra's own part and not resolved."""
    return _options(config, "", {}, _commented(_folders(config), config.hydra.runtime.choices))


def groups_of(command: str, config: DictConfig) -> Iterator[Group]:
    """Yields the groups that a command chooses from."""
    folders, choices = _folders(config), config.hydra.runtime.choices
    for group in sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir()}):
        only, how = _ADDED.get(group, (command, f"{group}={choices.get(group)}"))
        if only == command and (group in _ADDED or group in choices):
            yield Group(group, how, list(_choices(folders, group)))


def _folders(config: DictConfig) -> list[Path]:
    sources = config.hydra.runtime.config_sources
    return [Path(source.path) for source in sources if source.schema == "file" and Path(source.path).is_dir()]


def _options(node: DictConfig, path: str, shown: dict[Any, str], comments: Mapping[str, str]) -> Iterator[Option]:
    """Yields the options below a node; where a type was shown elsewhere, that is referred to."""
    told = _told(node)
    plain = cast(dict[str, Any], OmegaConf.to_container(node, resolve=False))
    for name, value in ((name, value) for name, value in plain.items() if name not in ("hydra", "_target_")):
        full = f"{path}{name}"
        line = comments.get(full) or told.get(name, "")
        if not isinstance(value, dict):
            yield Option(full, _text(value), line)
            continue
        inner: DictConfig = node[name]
        kind = OmegaConf.get_type(inner)
        if kind in shown:
            yield Option(full, f"<as {shown[kind]}>", line)
        elif _told(inner) or any(one.startswith(f"{full}.") for one in comments):
            shown |= {kind: full} if _told(inner) else {}
            yield from _options(inner, f"{full}.", shown, comments)
        else:
            yield Option(full, ", ".join(value) or "{}", line)
            typed = [one for one in value if isinstance(value[one], dict) and _told(inner[one])]
            if typed:
                yield from _options(inner[typed[0]], f"{full}.<name>.", shown, comments)


def _told(node: Any) -> Mapping[str, str]:
    """Returns what is said of the options of a typed node; nothing of others."""
    kind = OmegaConf.get_type(node)
    return option_lines(kind) if isinstance(kind, type) and dataclasses.is_dataclass(kind) else {}


def _text(value: Any) -> str:
    said = {"None": "null", "True": "true", "False": "false", "": "''", "???": "<to be given>"}
    return said.get(str(value), str(value)).replace("\n", "\\n")


def _line(option: Option) -> str:
    name, text, told = option
    given = f"{name}={text if len(text) < 50 else text[:46] + '...'}"
    return f"  {given:<46}  {told}".rstrip()


def _choices(folders: list[Path], group: str) -> Iterator[tuple[str, str]]:
    """Yields each option of a group with the first comment of its file."""
    for folder in folders:
        for option in sorted((folder / group).rglob("*.yaml")):
            lines = (line for line in option.read_text(encoding="utf-8").splitlines() if line.startswith("# ") and "@package" not in line)
            yield option.relative_to(folder / group).with_suffix("").as_posix(), next(lines, "").removeprefix("# ").rstrip(".")


def _commented(folders: list[Path], choices: Mapping[str, str]) -> dict[str, str]:
    """Returns full name -> comment for the recipes and steps that the command line adds."""
    comments: dict[str, str] = {}
    for choice, option in choices.items():
        group, _, package = choice.partition("@")
        for file in (folder / group / f"{option}.yaml" for folder in folders if package and group in ("recipe", "step")):
            if file.is_file():
                above = ""
                for inner, name, line in re.findall(r"^(  )?(\w+):.*?(?:  # (.*))?$", file.read_text(encoding="utf-8"), re.MULTILINE):
                    above = above if inner else name
                    comments[f"{package}.{above}.{name}" if inner else f"{package}.{name}"] = line
    return comments


@cache
def option_lines(kind: type) -> Mapping[str, str]:
    """Returns what the docstring of a dataclass, and of those it is made from, says of each field: the first sentence."""
    told: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        _, _, attributes = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")
        for names, text in re.findall(r"^    (\w[\w, ]*): (.*(?:\n {8,}.*)*)", attributes.partition("\n\n")[0], re.MULTILINE):
            sentence = re.split(r"(?<!\bEq)\.\s", re.sub(r"\s+", " ", text) + " ")[0]
            told |= {name.strip(): sentence.strip().rstrip(".").replace("`", "") for name in names.split(",")}
    return told
