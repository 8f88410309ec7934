"""Embedding over several processes: those of a group, and others that happen to embed the same at the same time.

Ranks of a process group each take the contents whose key falls to them, and all get all embeddings, in order.

    rank of a content = its key modulo W

So a content falls to one rank, in whatever task it stands, and no other reads it or looks for it in its cache. Equal contents at two places
may fall to two ranks, whose embeddings differ by their rounding; all are then given one of them, and a later task is given it too.

Processes that know nothing of one another but share a cache on disk take blocks of contents in turn: who finds a block held by another
goes on with the next, and in the end takes from the cache what the others made (`DiskCache.turn`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch
import torch.distributed as dist
from torch import Tensor

from unite.batch import index_tensor
from unite.embedding.cache import DiskCache
from unite.embedding.embed import Encoder, embed_contents
from unite.embedding.lazy import LazyContent, key_of
from unite.embedding.memory import EmbeddingCache, MemoryCache, is_before
from unite.errors import DataError, UniteError, must_be
from unite.processes import num_ranks
from unite.types import Content, fingerprint

#: Contents of a block: enough to be sorted by length, and few enough that two processes share a task.
_BLOCK = 1024


def embed_sharded(
    encoder: Encoder,
    contents: Sequence[Content | LazyContent],
    *,
    token_budget: int = 16384,
    ids: Sequence[str] | None = None,
    cache: EmbeddingCache | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Returns what `embed_contents` returns, (N, D) on every rank; each of W ranks embeds about N / W contents.

    Must be called on all ranks of the default process group, with the same contents. Without a process group it embeds all of them.

    Raises:
        DataError: as `embed_contents` does, on the rank where it happens; on the others it names that rank, so that none waits for ever.
    """
    world = num_ranks()
    if world == 1:
        return _embed_in_turns(encoder, contents, range(len(contents)), token_budget, ids, cache, on_progress)
    if not len(contents):
        raise DataError(must_be("the contents to embed", "at least one", 0))
    cache = MemoryCache() if cache is None else cache
    error: UniteError | None = None
    embeddings = torch.empty(0, 0)
    keys: list[int] = []
    owners: list[int] = []
    prints: list[int] = []
    try:
        keys = [key_of(content) for content in contents]
        owners = [key % world for key in keys]
        mine = [position for position, owner in enumerate(owners) if owner == dist.get_rank()]
        if mine:
            embeddings = _embed_in_turns(encoder, contents, mine, token_budget, ids, cache, on_progress)
            found = [(keys[position], cache.fingerprint_of(keys[position])) for position in mine]
            prints = [key if known is None else known for key, known in found]  # a text is noted under no other key
    except UniteError as raised:
        error = raised
    device = _device()
    # (W,) of (width, failed): a rank without contents learns D here, and all learn of a failure before any waits for embeddings.
    states = [torch.empty(2, dtype=torch.int64, device=device) for _ in range(world)]
    dist.all_gather(states, torch.tensor([embeddings.shape[1], error is not None], device=device))
    failed = [rank for rank, state in enumerate(states) if state[1]]
    if error is not None:
        raise error
    if failed:
        raise DataError(f"embedding failed on rank {failed[0]}; its own message tells why.")
    rows = [[position for position, owner in enumerate(owners) if owner == rank] for rank in range(world)]
    num_rows, width = max(map(len, rows)), max(int(state[0]) for state in states)
    whole = torch.empty(len(contents), width)
    whole_prints = torch.empty(len(contents), dtype=torch.int64)
    for places, part, part_prints in zip(
        rows,
        _gathered(embeddings.reshape(-1, width), num_rows),
        _gathered(index_tensor(prints), num_rows),
        strict=True,
    ):
        whole[places], whole_prints[places] = part[: len(places)].cpu(), part_prints[: len(places)].cpu()
    chosen: dict[int, int] = {}
    for place, (key, owner, known) in enumerate(zip(keys, owners, whole_prints.tolist(), strict=True)):
        if known not in chosen or is_before(whole[place], whole[chosen[known]]):
            chosen[known] = place
        if owner != dist.get_rank() and key != known:
            cache.note(key, known, keep=False)
    for known, place in chosen.items():
        cache.learn(known, whole[place])
    return whole[[chosen[known] for known in whole_prints.tolist()]]


def _embed_in_turns(
    encoder: Encoder,
    contents: Sequence[Content | LazyContent],
    positions: Sequence[int],
    token_budget: int,
    ids: Sequence[str] | None,
    cache: EmbeddingCache | None,
    on_progress: Callable[[int], None] | None,
) -> Tensor:
    """Returns the embeddings of the contents at some positions; with a cache on disk, the work is shared with whoever embeds the same."""

    def embed(some: Sequence[int], on_progress: Callable[[int], None] | None = on_progress) -> Tensor:
        names = [ids[position] if ids else f"content {position}" for position in some]
        those = (contents[position] for position in some)
        return embed_contents(encoder, those, token_budget=token_budget, ids=names, cache=cache, on_progress=on_progress)

    if not isinstance(cache, DiskCache) or not positions:
        return embed(positions)
    left = []
    for start in range(0, len(positions), _BLOCK):
        block = positions[start : start + _BLOCK]
        keys = [key_of(contents[position]) for position in block]
        if _are_cached(keys, cache):
            if on_progress is not None:
                on_progress(len(block))
            continue
        work = f"{fingerprint(*map(str, keys)):016x}"
        with cache.turn(work, wait=False) as is_held:
            embed(block) if is_held else left.append((work, block, keys))
    for work, block, keys in left:
        cache.refresh()
        with nullcontext() if _are_cached(keys, cache) else cache.turn(work, wait=True):
            embed(block)
    # Now all is cached. Of an equal content that another process made too, one embedding is taken everywhere.
    return embed(positions, None)


def _are_cached(keys: Sequence[int], cache: DiskCache) -> bool:
    prints = (cache.fingerprint_of(key) for key in keys)
    return all((key if known is None else known) in cache for key, known in zip(keys, prints, strict=True))


def _gathered(rows: Tensor, num_rows: int) -> list[Tensor]:
    """Returns (W,) the rows of every rank, filled up to the number of the one that has most."""
    padded = torch.zeros(num_rows, *rows.shape[1:], dtype=rows.dtype, device=_device())
    padded[: len(rows)] = rows
    gathered = [torch.empty_like(padded) for _ in range(num_ranks())]
    dist.all_gather(gathered, padded)
    return gathered


def sum_of_ranks(count: int) -> int:
    """Returns the sum of a number over the ranks; all must call this."""
    if num_ranks() == 1:
        return count
    counted = torch.tensor(count, device=_device())
    dist.all_reduce(counted)
    return int(counted)


def told_cache(cache: DiskCache | None) -> str:
    """Returns a sentence about how many embeddings all ranks took from the cache, and how many they made; all must call this."""
    if cache is None:
        return "No embeddings were kept."
    taken, made = sum_of_ranks(len(cache.taken)), sum_of_ranks(cache.num_made)
    ours, all_encoders = (f"{num_bytes / 1e6:,.1f} MB" for num_bytes in cache.num_bytes())
    size = f"It takes {ours}, those of all encoders beside it {all_encoders}."
    return f"Of {taken + made} embeddings {taken} were taken from the cache in {cache.folder}, {made} were made. {size}"


def _device() -> torch.device:
    """Returns where the backend of the process group wants its tensors."""
    return torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")
