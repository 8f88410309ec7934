"""`python -m unite.curate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unite.config.schema.media import MediaPolicy


class Engine(StrEnum):
    """`local` uses the cores of this machine, `ray` a Ray cluster."""

    local = "local"
    ray = "ray"


@dataclass(kw_only=True)
class CurateConfig:
    """`python -m unite.curate`. Groups fill recipes and steps: `+recipe@recipes.nli=text_pairs`, `+step@steps.short=text_length`.

    Attributes:
        name: the folder in `runs_root` that keeps the log.
        out: the folder of the set.
        recipes: the raw collections that are read, by name.
        steps: what judges their rows; those that judge row by row run first, then those that judge the set, each in this order.
        media: what images and videos become.
        rows_per_part: rows that are worked on, and kept when a run is killed, at a time.
        samples_per_shard: rows of a tar.
        seed: of what is drawn by chance.
        workers: processes; 0 is one a core.
        engine: `local`, or `ray` for a cluster.
        max_unusable_share: of the rows of a recipe that may be unusable before the run breaks off.
        runs_root: where the folders of logs lie.
        run_folder: of this run's log; a new one by default.
    """

    name: str = "curate"
    out: str
    recipes: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    media: MediaPolicy = field(default_factory=MediaPolicy)
    rows_per_part: int = 1000
    samples_per_shard: int = 1000
    seed: int = 0
    workers: int = 0
    engine: Engine = Engine.local
    max_unusable_share: float = 0.5
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"
