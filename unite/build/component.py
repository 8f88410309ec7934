"""A component's config to the object: its `_target_` decides the class, so a user's own class is built like ours."""

from __future__ import annotations

from typing import Any

from omegaconf import OmegaConf

from unite.config.target import assemble


def build(config: Any, path: str, /, **given: Any) -> Any:
    """Builds a component from its node in the config; `path` and `given` are those of `assemble`."""
    return assemble(OmegaConf.to_container(config, resolve=True, enum_to_str=True), path, given)
