"""Embedding over several processes: each takes every W-th content, and all get all embeddings, in order.

rank 0: 0 W 2W ...    rank 1: 1 W+1 ...        the last round may be short: its padding falls off the end, no content is counted twice
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from unite.errors import DataError, UniteError
from unite.evaluation.embed import EmbeddingCache, Encoder, embed_contents
from unite.evaluation.stored import LazyContent
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
    """Returns what `embed_contents` returns, (N, D) on every rank; each of W ranks embeds N / W contents.

    Must be called on all ranks of the default process group, with the same contents. Without a process group it embeds all of them.

    Raises:
        DataError: as `embed_contents` does, on the rank where it happens; on the others it names that rank, so that none waits for ever.
    """
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return embed_contents(encoder, contents, token_budget=token_budget, ids=ids, cache=cache, on_progress=on_progress)
    rank, world = dist.get_rank(), dist.get_world_size()
    mine = range(rank, len(contents), world)
    error: UniteError | None = None
    embeddings = torch.empty(0, 0)
    if mine:
        try:
            my_ids = [ids[at] if ids else f"content {at}" for at in mine]
            shard = (contents[at] for at in mine)
            embeddings = embed_contents(encoder, shard, token_budget=token_budget, ids=my_ids, cache=cache, on_progress=on_progress)
        except UniteError as raised:
            error = raised
    device = torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")
    # (W,) of (width, failed): an empty shard learns D here, and all learn of a failure before any waits for embeddings.
    states = [torch.empty(2, dtype=torch.int64, device=device) for _ in range(world)]
    dist.all_gather(states, torch.tensor([embeddings.shape[1], error is not None], device=device))
    failed = [at for at, state in enumerate(states) if state[1]]
    if error is not None:
        raise error
    if failed:
        raise DataError(f"embedding failed on rank {failed[0]}; its own message tells why.")
    padded = torch.zeros(-(-len(contents) // world), max(int(state[0]) for state in states), device=device)
    padded[: len(embeddings), : embeddings.shape[1]] = embeddings
    gathered = [torch.empty_like(padded) for _ in range(world)]
    dist.all_gather(gathered, padded)
    return torch.stack(gathered, dim=1).flatten(0, 1)[: len(contents)].cpu()
