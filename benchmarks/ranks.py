"""Memory of a rank when the pool is passed around in pieces, against gathering it whole.

    python -m benchmarks.ranks [--quick]

Eight gloo processes, each with its part of the contents and one thread, compute MAMCL and its gradient in both ways: what the training step
does between the embeddings and their gradient. Memory is the largest rank's peak beyond its own embeddings, from /proc (Linux). Time is the
median of five repeats in turn, at a quarter of the contents. The error is that of the one way against the other, of a gradient relative to
its largest entry.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from unite.batch import Relations
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL
from unite.training.parallel import sum_over_ranks
from unite.training.pool import share_pool
from unite.types import Modality

RANKS = 8
WAYS = ("passed", "gathered")
#: Modalities of the positives; a rank's rows take them in turn.
MODALITIES = ("text", "image", "video", "text+image")


def inputs(rank: int, num_rows: int, dim: int) -> tuple[Tensor, Relations]:
    """Returns a rank's embeddings (2 num_rows, D), queries first, and their relations; its first row is every rank's."""
    generator = torch.Generator().manual_seed(rank)
    embeddings = torch.randn(2 * num_rows, dim, generator=generator)
    embeddings[:num_rows].add_(embeddings[num_rows:], alpha=0.3)
    embeddings /= embeddings.norm(dim=-1, keepdim=True)
    contents = torch.arange(2 * num_rows)
    names = 2 * num_rows * rank + contents
    names[[0, num_rows]] = torch.tensor([0, num_rows])
    kinds = torch.tensor([Modality.parse(name).value for name in MODALITIES])
    return embeddings, Relations(
        query=contents[:num_rows],
        positive=contents[num_rows:, None],
        negative=torch.empty(num_rows, 0, dtype=torch.int64),
        modality=torch.cat([torch.full((num_rows,), Modality.TEXT.value), kinds[contents[:num_rows] % len(kinds)]]),
        fingerprint=names,
        identity=names,
    )


def step(way: str, embeddings: Tensor, relations: Relations) -> tuple[Tensor, Tensor]:
    """Returns the loss of all ranks, and its gradient at the embeddings of this one."""
    pool = share_pool(embeddings.detach(), relations, whole=way == "gathered")
    more = {} if pool.exchange is None else {"exchange": pool.exchange}
    output = MAMCL(MAMCLConfig(temperature=0.03))(pool.embeddings.requires_grad_(), pool.relations, pool.rows, **more)
    output.loss.backward()
    return sum_over_ranks(output.loss.detach().clone()), pool.own_gradient()


def _rank(rank: int, port: int, folder: str, num_rows: int, dim: int, repeats: int) -> None:
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo", rank=rank, world_size=RANKS)
    found: dict[str, float] = {}
    results = {}
    for way in WAYS:
        step(way, *inputs(rank, 8, dim))  # connections, libraries
        embeddings, relations = inputs(rank, num_rows, dim)
        dist.barrier()
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is resident now
        before = _resident("VmRSS")
        results[way] = step(way, embeddings, relations)
        found[f"{way}_mb"] = _resident("VmHWM") - before
    (loss, gradient), (same_loss, same_gradient) = (results[way] for way in WAYS)
    largest = same_gradient.abs().max()
    dist.all_reduce(largest, dist.ReduceOp.MAX)
    found["error"] = max(float((loss / same_loss - 1).abs()), float((gradient - same_gradient).abs().max() / largest))
    del results, gradient, same_gradient
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    embeddings, relations = inputs(rank, num_rows // 4, dim)
    for _ in range(repeats):
        for way in WAYS:
            dist.barrier()
            start = time.perf_counter()
            step(way, embeddings, relations)
            dist.barrier()
            seconds[way].append(time.perf_counter() - start)
    found |= {f"{way}_seconds": statistics.median(times) for way, times in seconds.items()}
    torch.save(found, Path(folder, f"{rank}.pt"))
    dist.destroy_process_group()


def _resident(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(field + ":"))


def run(quick: bool) -> dict[str, float]:
    """Returns the numbers of the table, by flat keys."""
    num_rows, dim, repeats = (256, 256, 1) if quick else (2048, 1536, 5)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    multiprocessing.set_forkserver_preload(["unite.objective", "unite.training.pool"])  # imported once, not by each rank
    with tempfile.TemporaryDirectory() as folder:
        cast(Any, mp).start_processes(_rank, (port, folder, num_rows, dim, repeats), RANKS, start_method="forkserver")
        ranks = [torch.load(Path(folder, f"{rank}.pt"), weights_only=True) for rank in range(RANKS)]
    worst = {name: max(found[name] for found in ranks) for name in ranks[0]}
    return {
        "ranks_memory_vs_gather": worst["passed_mb"] / worst["gathered_mb"],
        "ranks_memory_max_relative_error": worst["error"],
        "ranks_memory_mb": worst["passed_mb"],
        "ranks_memory_mb_gather": worst["gathered_mb"],
        "ranks_time_vs_gather": worst["passed_seconds"] / worst["gathered_seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small pool, a few seconds")
    for name, value in run(parser.parse_args().quick).items():
        print(f"{name:34}{value:12.4g}")


if __name__ == "__main__":
    main()
