"""What `python -m unite.index` builds: the options of an index."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

from omegaconf import OmegaConf

from unite.config.schema import IndexConfig, IndexOptions


def build_index_options(config: IndexConfig) -> IndexOptions:
    """Returns how the corpus is indexed."""
    given = OmegaConf.to_object(cast(Any, config))
    return IndexOptions(**{field.name: getattr(given, field.name) for field in fields(IndexOptions)})
