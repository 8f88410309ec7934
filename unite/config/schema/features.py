"""Features of frozen towers on disk."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class FeatureCacheConfig:
    """Where what a frozen tower has seen is kept, so that it sees a medium once and not once an epoch, a run and an evaluation.

    Attributes:
        folder: of the features of all towers; several runs at once may share it. Null keeps none.
        max_gb: that it may take; what is beyond it is seen again each time.

    Raises:
        ConfigError: if it may take nothing.
    """

    folder: str | None = None
    max_gb: float = 20

    def __post_init__(self) -> None:
        if not 0 < self.max_gb < math.inf:
            raise ConfigError(must_be("feature_cache.max_gb", "above 0", self.max_gb, "feature_cache.folder=null keeps none."))
