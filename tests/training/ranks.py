"""Several gloo processes on this machine, for what is to equal one process."""

import os
import socket

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def in_ranks(function, num_ranks, folder, *arguments):
    """Returns what `function(rank, *arguments)` returns in each of the ranks; tensors, numbers and containers of them."""
    mp.start_processes(_rank, (num_ranks, free_port(), folder, function, arguments), num_ranks, start_method="fork")
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(num_ranks)]


def free_port():
    """A port of this machine that nobody listens to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def part(rows, rank, num_ranks):
    """The rows of a rank: the last one has fewer where they do not divide."""
    size = -(-len(rows) // num_ranks)
    return rows[rank * size : (rank + 1) * size]


def _rank(rank, num_ranks, port, folder, function, arguments):
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo", rank=rank, world_size=num_ranks)
    torch.save(function(rank, *arguments), folder / f"{rank}.pt")
    dist.destroy_process_group()
