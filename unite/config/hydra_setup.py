"""What Hydra learns before it composes: where a user's own options are, and to do without work that changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

from hydra._internal import config_loader_impl
from hydra._internal.defaults_list import create_defaults_list
from hydra._internal.hydra import Hydra
from hydra._internal.utils import run_and_report
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import ConfigCompositionException, MissingConfigException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from unite.config.group_choice import checked
from unite.errors import must_be, must_be_one_of

#: What the names of a launcher's options begin with -> how it is installed.
_LAUNCHERS = {"submitit": "pip install hydra-submitit-launcher", "ray": "pip install --no-deps hydra-ray-launcher"}
#: What one command calls by the first name another calls by the second: a trained encoder, a stored corpus.
_CALLED = {"run": "checkpoint", "checkpoint": "run", "corpus": "index", "index": "corpus"}
_UNKNOWN = re.compile(r"Could not override '([^']+)'")


class WorkingFolderOptions(SearchPathPlugin):
    """Adds `conf/` of the working folder, after ours and like `--config-dir`, where it has a group of ours."""

    ours: ClassVar[Path]

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Hydra asks for it whenever it composes."""
        folder = Path.cwd() / "conf"
        groups = [group.name for group in self.ours.iterdir() if group.is_dir()]
        if any((folder / group).is_dir() for group in groups) and not folder.samefile(self.ours):
            search_path.append("conf of the working folder", f"file://{folder}")


def set_up_hydra(conf: Path) -> None:
    """Registers the plugin, has choices checked, and takes two detours out of Hydra 1.3 that cost a second of every `--help` and error."""
    WorkingFolderOptions.ours = conf
    Plugins.instance().register(WorkingFolderOptions)
    ConfigStore.__deepcopy__ = _itself  # type: ignore[attr-defined]
    config_loader_impl.create_defaults_list = checked(create_defaults_list)  # type: ignore[attr-defined]
    if not hasattr(Hydra.app_help, "__wrapped__"):
        Hydra.app_help = _reported(Hydra.app_help)  # type: ignore[method-assign]
    Hydra.get_mode = _mode  # type: ignore[method-assign, assignment]


def _reported(app_help: Callable[..., None]) -> Callable[..., None]:
    """Hydra's own shows a traceback of what is wrong with the config that `--help` is about."""

    @wraps(app_help)
    def reported(*arguments: Any, **given: Any) -> None:
        run_and_report(lambda: app_help(*arguments, **given))

    return reported


def _itself(store: ConfigStore, memo: Any) -> ConfigStore:
    """A singleton is its own copy: `--help` would copy every schema once a group."""
    return store


def _mode(hydra: Hydra, config_name: str | None, overrides: list[str]) -> RunMode | None:
    """Hydra's own composes to learn of `hydra.mode`, and where that fails composes again for the error; here it is shown at once."""

    def compose(overrides: list[str]) -> Any:
        return hydra.compose_config(config_name, overrides, RunMode.MULTIRUN, False, validate_sweep_overrides=False)

    def told() -> Any:
        try:
            return compose(overrides)
        except MissingConfigException as error:
            _tell_launcher(error)
            raise
        except ConfigCompositionException as error:
            _tell_unknown(compose, overrides, error)
            raise
        except AssertionError:  # OmegaConf's, of a value for a part of what is null
            _tell_null(compose, overrides)
            raise

    config = run_and_report(told)
    mode: RunMode | None = config.hydra.mode
    return mode


def _tell_launcher(error: MissingConfigException) -> None:
    """Ends the process with what to install where the option that is missing is a launcher; Hydra lists those that are installed."""
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    if group == "hydra/launcher":
        there = [option for option in error.options or [] if not option.startswith("_")]
        package = next((package for prefix, package in _LAUNCHERS.items() if name.startswith(prefix)), None)
        hint = f"Install it: {package}; see docs/sweeps.md." if package else ""
        raise SystemExit(f"ConfigError: {must_be_one_of('hydra/launcher', there, name, hint)}")


def _tell_unknown(compose: Callable[[list[str]], Any], overrides: list[str], error: Exception) -> None:
    """Ends the process with every option that there is not, and those that there are; Hydra names the first alone."""
    unknown: list[str] = []
    while match := _UNKNOWN.search(str(error)):
        unknown.append(match[1])
        parsed = OverridesParser.create().parse_overrides(overrides)
        if len(left := [one.input_line for one in parsed if one.key_or_group != match[1] and one.input_line]) == len(overrides):
            return
        overrides = left
        try:
            config = compose(overrides)
        except ConfigCompositionException as another:
            error = another
            continue
        lines = [line for option in unknown if (line := _told_unknown(config, option))]
        if lines:
            raise SystemExit("\n".join(f"ConfigError: {line}" for line in lines))
        return


def _told_unknown(config: DictConfig, option: str) -> str:
    """Returns which part of an option is not there, and what is; "" where a part of a leaf was named."""
    node: Any = config
    parts = option.split(".")
    for depth, part in enumerate(parts):
        if not isinstance(node, DictConfig):
            return ""
        names = [str(name) for name in node if name != "_target_" and (depth or name != "hydra")]
        if part not in names:
            names += [] if depth else sorted(_groups(config) - set(names))
            what = f"an option of {'.'.join(parts[:depth])}" if depth else "an option"
            other = _CALLED.get(part, "") if not depth else ""
            if other in names:
                return must_be(what, f"one of {', '.join(sorted(names))}", part, f"Here it is {other}=...")
            return must_be_one_of(what, names, part)
        node = node._get_node(part)
    return ""


def _groups(config: DictConfig) -> set[str]:
    """Returns the groups that are chosen by a name alone."""
    return {str(group).partition("@")[0] for group in config.hydra.runtime.choices if not str(group).startswith("hydra/")}


def _tell_null(compose: Callable[[list[str]], Any], overrides: list[str]) -> None:
    """Ends the process with the first override of a part of what is null (`encoder.adapter.r=4` where there is no adapter)."""
    inner = [one for one in OverridesParser.create().parse_overrides(overrides) if "." in one.key_or_group and not one.is_delete()]
    lines = {one.input_line for one in inner}
    config = compose([line for line in overrides if line not in lines])
    for one in inner:
        above = one.key_or_group.split(".")[:-1]
        for path in (".".join(above[: depth + 1]) for depth in range(len(above))):
            if _is_null(config, path):
                hint = f"Choose first what gives it values; {one.key_or_group} is a part of it."
                raise SystemExit(f"ConfigError: {must_be(path, f'there for {one.input_line}', 'null', hint)}")


def _is_null(config: Any, path: str) -> bool:
    """Whether an option is there, and is null."""
    return OmegaConf.select(config, path, default="absent") is None
