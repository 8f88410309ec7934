"""Families to evaluation tasks: whole families go into a pool, so that every query meets its one-attribute neighbours there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from numpy.random import Generator

from unite.data.rows import Row, StoredContent
from unite.data.tasks import write_task
from unite.errors import ConfigError, must_be
from unite.types import Modality
from unite.worlds.emoji.captions import brief, describe
from unite.worlds.emoji.hard_neighbours import FAMILY, Companions, arrangements, draw_clip
from unite.worlds.emoji.render import encode_clip, encode_scene
from unite.worlds.emoji.scenes import BACKGROUNDS, MOTIONS
from unite.worlds.emoji.sources import Kind, Pair

#: Candidates of a query in the spatial and the temporal test.
SUBSET_POOL = 8
SUBSETS = ("spatial", "temporal")
#: Which members of a family are asked for. The others are there as distractors.
_ASKED = range(0, FAMILY, 2)


def write_pair_task(folder: Path, kind: Kind, families: Iterable[list[Pair]], num_queries: int, num_candidates: int) -> int:
    """Writes the task of a source's pairs, named as its folder, from as many families as fill the pool; returns the pool's size.

    A candidate stands in the pool once, by its group, and is relevant for every query of that group. The last family is taken whole, so
    the pool may be a few larger than `num_candidates`; it is smaller if the families run out.
    """
    queries: list[StoredContent] = []
    candidates: dict[str, StoredContent] = {}
    for family in families:
        for _, positive in family:
            candidates.setdefault(positive.group, positive)
        queries += [family[place][0] for place in _ASKED][: num_queries - len(queries)]
        if len(candidates) >= num_candidates:
            break
    ids = {group: f"c{number:04d}" for number, group in enumerate(candidates)}
    write_task(
        folder,
        name=folder.name,
        queries=[Row(f"q{number:04d}", query) for number, query in enumerate(queries)],
        candidates=[Row(ids[group], content) for group, content in candidates.items()],
        relevance={f"q{number:04d}": {ids[query.group]: 1} for number, query in enumerate(queries)},
        query_modality=kind.query,
        candidate_modality=kind.positive,
        metadata={"kind": "pair"},
    )
    return len(candidates)


def write_subset_task(folder: Path, name: str, rng: Generator, companions: Companions, num_candidates: int) -> int:
    """Writes the `spatial` test (same glyphs, other places) or the `temporal` one (same glyphs and places, the 8 motions); text asks.

    Each query has a pool of 8, and each candidate of the pool a query. Returns the number of candidates in all pools.
    """
    pools: dict[str, list[Pair]] = {}
    while len(pools) * SUBSET_POOL < num_candidates:
        pool = _spatial_pool(rng, companions) if name == "spatial" else _temporal_pool(rng, companions)
        pools.setdefault("+".join(sorted(text.group for text, _ in pool)), pool)
    rows = [(text, medium, pool) for pool, pairs in enumerate(pools.values()) for text, medium in pairs]
    members = [[f"c{first + place:04d}" for place in range(SUBSET_POOL)] for first in range(0, len(rows), SUBSET_POOL)]
    kind = Kind(Modality.TEXT, Modality.IMAGE if name == "spatial" else Modality.VIDEO)
    write_task(
        folder,
        name=name,
        queries=[Row(f"q{number:04d}", text) for number, (text, _, _) in enumerate(rows)],
        candidates=[Row(f"c{number:04d}", medium) for number, (_, medium, _) in enumerate(rows)],
        relevance={f"q{number:04d}": {f"c{number:04d}": 1} for number in range(len(rows))},
        pools={f"q{number:04d}": members[pool] for number, (_, _, pool) in enumerate(rows)},
        query_modality=kind.query,
        candidate_modality=kind.positive,
        metadata={"kind": "subset"},
    )
    return len(rows)


def _spatial_pool(rng: Generator, companions: Companions) -> list[Pair]:
    glyphs = companions.draw(rng, 2)
    background = list(BACKGROUNDS)[rng.integers(len(BACKGROUNDS))]
    return [
        (StoredContent(describe(scene), group=scene.identity), StoredContent(media=(encode_scene(scene),), group=scene.identity))
        for scene in arrangements(rng, background, glyphs, SUBSET_POOL)
    ]


def _temporal_pool(rng: Generator, companions: Companions) -> list[Pair]:
    clip = draw_clip(rng, companions)
    clips = [replace(clip, motion=motion) for motion in MOTIONS]
    return [(StoredContent(brief(clip), group=clip.gist), StoredContent(media=(encode_clip(clip),), group=clip.gist)) for clip in clips]


def check_pool(name: str, num: int, wanted: int, num_glyphs: int) -> None:
    """Raises ConfigError if a test pool could not be filled: too few glyphs give too few combinations."""
    if num < wanted:
        hint = f"With {num_glyphs} glyphs there are no more combinations held out: raise world.num_glyphs."
        raise ConfigError(must_be("world.num_candidates", f"at most {num}, for the pool of {name}", wanted, hint))
