"""Embedding over several processes: each takes the contents whose fingerprint falls to it, and all get all embeddings, in order.

    rank of a content = its fingerprint modulo W

So equal contents fall to one rank, in whatever task they stand: none is embedded twice, and none is looked for in another's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from unite.embedding.cache import DiskCache
from unite.embedding.embed import EmbeddingCache, Encoder, embed_contents
from unite.embedding.lazy import LazyContent
from unite.errors import DataError, UniteError, must_be
from unite.processes import num_ranks
from unite.types import Content


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
        return embed_contents(encoder, contents, token_budget=token_budget, ids=ids, cache=cache, on_progress=on_progress)
    if not len(contents):
        raise DataError(must_be("the contents to embed", "at least one", 0))
    error: UniteError | None = None
    embeddings = torch.empty(0, 0)
    owners: list[int] = []
    try:
        owners = [content.fingerprint % world for content in contents]
        mine = [at for at, owner in enumerate(owners) if owner == dist.get_rank()]
        if mine:
            names = [ids[at] if ids else f"content {at}" for at in mine]
            shard = (contents[at] for at in mine)
            embeddings = embed_contents(encoder, shard, token_budget=token_budget, ids=names, cache=cache, on_progress=on_progress)
    except UniteError as raised:
        error = raised
    device = _device()
    # (W,) of (width, failed): a rank without contents learns D here, and all learn of a failure before any waits for embeddings.
    states = [torch.empty(2, dtype=torch.int64, device=device) for _ in range(world)]
    dist.all_gather(states, torch.tensor([embeddings.shape[1], error is not None], device=device))
    failed = [at for at, state in enumerate(states) if state[1]]
    if error is not None:
        raise error
    if failed:
        raise DataError(f"embedding failed on rank {failed[0]}; its own message tells why.")
    rows = [[at for at, owner in enumerate(owners) if owner == rank] for rank in range(world)]
    padded = torch.zeros(max(map(len, rows)), max(int(state[0]) for state in states), device=device)
    padded[: len(embeddings), : embeddings.shape[1]] = embeddings
    gathered = [torch.empty_like(padded) for _ in range(world)]
    dist.all_gather(gathered, padded)
    whole = torch.empty(len(contents), padded.shape[1])
    for places, part in zip(rows, gathered, strict=True):
        whole[places] = part[: len(places)].cpu()
    return whole


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
    return f"Of {taken + made} embeddings {taken} were taken from the cache in {cache.folder}, {made} were made."


def _device() -> torch.device:
    """Returns where the backend of the process group wants its tensors."""
    return torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")
