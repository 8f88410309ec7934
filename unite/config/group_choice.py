"""Whether what the command line chooses in a group is one of its options; where not, a message in a line instead of Hydra's traceback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from hydra.errors import MissingConfigException

from unite.errors import must_be_one_of

#: (command, group) -> what whoever sets the group to null may want.
_INSTEAD_OF_NULL = {
    ("train", "suite"): "To train without an evaluation: evaluate=false.",
    ("train", "validation"): "To validate on nothing: validation=none.",
    ("train", "alignment"): "To leave the stage out: alignment=none.",
    ("train", "logger"): "To log nothing: logger.csv=false logger.wandb=disabled.",
}


def checked(create_defaults_list: Callable[..., Any]) -> Callable[..., Any]:
    """Returns Hydra's function that looks options up, with a look at the command's choices before it."""

    def checks_first(repo: Any, config_name: str | None, overrides_list: Sequence[Override], **given: Any) -> Any:
        for override in overrides_list:
            _check(repo, config_name, override)
        return create_defaults_list(repo=repo, config_name=config_name, overrides_list=overrides_list, **given)

    return checks_first


def _check(repo: Any, command: str | None, override: Override) -> None:
    group, chosen = override.key_or_group, override.value()
    is_choice = not (override.is_delete() or override.is_sweep_override() or isinstance(chosen, dict))
    if not is_choice or group.startswith("hydra") or not repo.group_exists(group):
        return
    for one in chosen if isinstance(chosen, list) else [chosen]:
        if isinstance(one, str) and (one == "???" or repo.config_exists(f"{group}/{one}")):
            continue
        options = [name for name in repo.get_group_options(group, ObjectType.CONFIG) if not name.endswith("schema")]
        own = f"Options of your own: {group}/ in conf/ of the working folder, or in the folder of --config-dir."
        hint = own if one is not None else _INSTEAD_OF_NULL.get((command or "", group), "")
        message = must_be_one_of(group, options, "null" if one is None else one, hint)
        raise MissingConfigException(f"ConfigError: {message}", f"{group}/{one}", options)
