"""Composes every option and every experiment, checks every component in them, and reports all errors at once: `make validate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from unite.config.register import CONF, register
from unite.config.target import assemble
from unite.errors import ConfigError, UniteError, must_be

#: Each command's config, and what it needs to be told.
COMMANDS = {
    "train": [],
    "evaluate": ["checkpoint=some/run"],
    "audit": ["checkpoint=some/run"],
    "curate": ["out=some/set"],
    "export": ["run=some/run", "out=some/folder"],
    "embed": ["corpus=some/photos", "checkpoint=some/run", "out=some/corpus"],
    "index": ["corpus=some/corpus"],
    "search": [],
    "stamps": [],
}

#: What the user has to give to an option that is chosen.
GIVEN_BY_USER = ("recipes.x", "steps.x", "suite.shards")


def combinations(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields (command, overrides): every command alone, then with every option of every group that it has, then every experiment."""
    for command, needed in COMMANDS.items():
        yield command, needed
        defaults = OmegaConf.to_container(OmegaConf.load(folder / f"{command}.yaml"))["defaults"]  # type: ignore[index, call-overload]
        for group in sorted(next(iter(entry)) for entry in defaults if isinstance(entry, dict)):
            for option in sorted((folder / group).glob("*.yaml")):
                yield command, [*needed, f"{group}={option.stem}"]
    for group, field in (("recipe", "recipes"), ("step", "steps")):
        for option in sorted((folder / group).glob("*.yaml")):
            yield "curate", ["out=some/set", f"+{group}@{field}.x={option.stem}"]
    for option in sorted((folder / "adapter").glob("*.yaml")):
        yield "train", [f"+adapter@encoder.adapter={option.stem}"]
    for experiment in sorted((folder / "experiment").rglob("*.yaml")):
        yield "train", [f"+experiment={experiment.relative_to(folder / 'experiment').with_suffix('')}"]


def errors_in(folder: Path) -> tuple[int, list[str]]:
    """Returns how many combinations were composed, and a message for each that failed."""
    register()
    errors: list[str] = []
    everything = list(combinations(folder))
    with initialize_config_dir(str(folder.resolve()), version_base="1.3"):
        for command, overrides in everything:
            try:
                config = compose(command, overrides)
                missing = sorted(key for key in OmegaConf.missing_keys(config) if not key.startswith(GIVEN_BY_USER))
                if missing:
                    raise ConfigError(must_be(", ".join(missing), "given", "missing"))
                assemble(OmegaConf.to_container(config, resolve=True, enum_to_str=True), "", dry=True)
            except (HydraException, OmegaConfBaseException, UniteError) as error:
                errors.append(f"{command} {' '.join(overrides)}: {error}")
    return len(everything), errors


def main() -> int:
    """Prints every error; returns the number of them, at most 1."""
    count, errors = errors_in(CONF)
    sys.stdout.write("\n\n".join([*errors, f"{count} configs composed, {len(errors)} with an error.\n"]))
    return min(len(errors), 1)


if __name__ == "__main__":
    sys.exit(main())
