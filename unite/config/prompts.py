"""The options of `conf/prompt` for whoever builds an encoder in Python: `VLMEncoder(path, prompt="gme")`."""

from __future__ import annotations

from typing import Any

import yaml

from unite.config.folder import CONF
from unite.config.schema.prompt import PromptConfig
from unite.errors import ConfigError, must_be_one_of


def prompt_options(name: str) -> dict[str, Any]:
    """Returns what an option of the group `prompt` sets of an encoder's config: `prompt`, and whatever else belongs to it.

    Raises:
        ConfigError: if there is no such option; a prompt of one's own is a `PromptConfig`.
    """
    files = {path.stem: path for path in (CONF / "prompt").glob("*.yaml")}
    if name not in files:
        raise ConfigError(must_be_one_of("the prompt", files, name, "One of your own is a PromptConfig."))
    options = yaml.safe_load(files[name].read_text(encoding="utf-8")) or {}
    return {**options, "prompt": PromptConfig(**options.get("prompt", {}))}
