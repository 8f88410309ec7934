"""A component's config to the object: its `_target_` decides the class, so a user's own class is built like ours."""

from __future__ import annotations

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from unite.errors import UniteError


def build(config: Any, **given: Any) -> Any:
    """Instantiates a component's config, resolved and with enums as their names; `given` adds or overrides arguments."""
    plain = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
    try:
        return instantiate(OmegaConf.create(plain), **given, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, UniteError):
            raise error.__cause__ from None  # its message is for the user, Hydra's wrapping is not
        raise
