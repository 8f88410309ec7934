"""What the resolved config in a run's folder says of the run: its stages, its batches, its mixture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unite.tracking.run_log import StageLog, read_log

_STAGES = ("alignment", "adaptation")


def trained_stages(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Returns stage -> its options, in their order; a stage of no steps is left out."""
    stages = [(key, config.get(key) or {}) for key in _STAGES]
    return {str(stage.get("name", key)): stage for key, stage in stages if int(stage.get("max_steps") or 0) > 0}


def matryoshka_dims(config: Mapping[str, Any]) -> tuple[int, ...]:
    """Returns the widths that embeddings may be cut to by a run's last stage, from the widest down; none without such an objective."""
    stage: Mapping[str, Any] = next(reversed(trained_stages(config).values()), {})
    dims = (stage.get("objective") or config.get("objective") or {}).get("dims") or ()
    return tuple(sorted(map(int, dims), reverse=True))


def stage_lengths(config: Mapping[str, Any]) -> dict[str, int]:
    """Returns stage -> its number of steps, in their order; a stage of none is left out."""
    return {name: int(stage["max_steps"]) for name, stage in trained_stages(config).items()}


def batch_size_of(config: Mapping[str, Any]) -> int:
    """Returns the samples of a step."""
    return int((config.get("data") or {}).get("batch_size") or 1)


def adaptation_shares(config: Mapping[str, Any]) -> dict[str, float]:
    """Returns source -> its share of the adaptation's samples, as `mixture_shares`."""
    return mixture_shares((config.get("adaptation") or {}).get("mixture") or config.get("mixture") or {})


def mixture_shares(mixture: Mapping[str, Any]) -> dict[str, float]:
    """Returns source -> its share of the samples as a mixture's options ask for it, all together 1.

    Nothing where a temperature takes the shares from the sources' sizes, which the options do not know.
    """
    if mixture.get("temperature") is not None:
        return {}
    given = {name: (mixture.get("shares") or {}).get(name, 1.0) for name in mixture.get("sources") or {}}
    shares = {name: float(value) for name, value in given.items() if isinstance(value, int | float) and math.isfinite(value)}
    total = sum(shares.values())
    return {name: value / total for name, value in shares.items()} if total > 0 else {}


def read_log_of(folder: Path, config: Mapping[str, Any]) -> list[StageLog]:
    """Reads the log of a run whose resolved config is given."""
    return read_log(folder, list(stage_lengths(config)), batch_size_of(config))
