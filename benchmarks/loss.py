"""MAMCL forward and backward, block by block, against a plain dense masked implementation.

    python -m benchmarks.loss [--quick]

Both compute the loss and the gradient of B rows with one positive each, positives of five modalities, on a GPU if there is one. Time is
the median of alternating repeats. Memory is the peak beyond the inputs, measured in a process of its own for each (on a CPU from /proc, so
on Linux). The error is that of the block-wise loss and gradient relative to the dense ones in float64 (a gradient's relative to its largest
entry).
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from unite.batch import Relations
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL
from unite.types import Modality

TEMPERATURE = 0.03
#: Positives by modality: unequal, as in a real mixture.
SHARES = {"text": 0.3, "image": 0.25, "video": 0.2, "text+image": 0.15, "text+video": 0.1}


def dense_loss(embeddings: Tensor, relations: Relations) -> Tensor:
    """MAMCL with one positive a row, the way it is written down: the whole matrix, a mask, cross entropy."""
    candidates = relations.positive[:, 0].unique()
    label = torch.searchsorted(candidates, relations.positive[:, 0])
    wide = torch.promote_types(embeddings.dtype, torch.float32)
    logits = embeddings[relations.query].to(wide) @ embeddings[candidates].to(wide).T / TEMPERATURE
    modality, identity = relations.modality, relations.identity
    mask = modality[relations.positive] == modality[candidates]
    mask &= identity[relations.query][:, None] != identity[candidates]
    mask &= identity[relations.positive] != identity[candidates]
    mask.scatter_(1, label[:, None], True)
    return F.cross_entropy(logits.masked_fill(~mask, -torch.inf), label)


def blockwise_loss(embeddings: Tensor, relations: Relations) -> Tensor:
    loss: Tensor = MAMCL(MAMCLConfig(temperature=TEMPERATURE)).to(embeddings.device)(embeddings, relations).loss
    return loss


LOSSES: dict[str, Callable[[Tensor, Relations], Tensor]] = {"blockwise": blockwise_loss, "dense": dense_loss}


def make_inputs(num_rows: int, dim: int) -> tuple[Tensor, Relations]:
    """Returns (2B, D) unit embeddings, queries first, each near its positive, and their relations; a few candidates share a group."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(2 * num_rows, dim, generator=generator)
    embeddings[:num_rows].add_(embeddings[num_rows:], alpha=0.3)
    embeddings /= embeddings.norm(dim=-1, keepdim=True)  # keeps no second copy
    values = torch.tensor([Modality.parse(name).value for name in SHARES])
    drawn = torch.multinomial(torch.tensor(list(SHARES.values())), num_rows, replacement=True, generator=generator)
    modality = torch.cat([torch.full((num_rows,), Modality.TEXT.value), values[drawn]])
    contents = torch.arange(2 * num_rows)
    relations = Relations(
        query=contents[:num_rows],
        positive=contents[num_rows:, None],
        negative=torch.empty(num_rows, 0, dtype=torch.int64),
        modality=modality,
        fingerprint=contents,
        identity=torch.where(contents % 50 == 1, contents - 1, contents),
    )
    relations = Relations(**{name: tensor.to(device) for name, tensor in vars(relations).items()})
    return embeddings.to(device).requires_grad_(), relations


def step(name: str, embeddings: Tensor, relations: Relations) -> Tensor:
    """Runs forward and backward; the gradient is left in `embeddings.grad`."""
    embeddings.grad = None
    loss = LOSSES[name](embeddings, relations)
    loss.backward()
    if embeddings.is_cuda:
        torch.cuda.synchronize()
    return loss.detach()


def median_seconds(embeddings: Tensor, relations: Relations, repeats: int) -> dict[str, float]:
    """Times both, taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in LOSSES}
    for repeat in range(repeats + 1):
        for name in LOSSES:
            start = time.perf_counter()
            step(name, embeddings, relations)
            if repeat > 0:  # the first is a warm-up
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def peak_bytes(name: str, num_rows: int, dim: int) -> int:
    """Returns the extra peak memory of one step, measured in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure_peak, (name, num_rows, dim))


def _measure_peak(name: str, num_rows: int, dim: int) -> int:
    embeddings, relations = make_inputs(num_rows, dim)
    step(name, *make_inputs(64, 64))  # loads the libraries
    if embeddings.is_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step(name, embeddings, relations)
        return torch.cuda.max_memory_allocated() - before
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is resident now
    before = _resident_bytes("VmRSS")
    step(name, embeddings, relations)
    return _resident_bytes("VmHWM") - before


def _resident_bytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{field} is not in /proc/self/status")


def relative_error(embeddings: Tensor, relations: Relations) -> float:
    """Returns the larger of the errors of loss and gradient, block-wise in float32 against dense in float64."""
    loss = step("blockwise", embeddings, relations)
    exact = embeddings.detach().double().requires_grad_()
    exact_loss = step("dense", exact, relations)
    gradient, exact_gradient = embeddings.grad, exact.grad
    if gradient is None or exact_gradient is None:
        raise RuntimeError("a loss gave no gradient")
    gradient_error = (gradient.double() - exact_gradient).abs().max() / exact_gradient.abs().max()
    return max(float((loss.double() / exact_loss - 1).abs()), float(gradient_error))


def run(quick: bool) -> dict[str, float]:
    """Returns the numbers of the table, by flat keys."""
    num_rows, dim, repeats = (1024, 256, 3) if quick else (8192, 1536, 5)
    embeddings, relations = make_inputs(num_rows, dim)
    seconds = median_seconds(embeddings, relations, repeats)
    error = relative_error(embeddings, relations)
    del embeddings
    peaks = {name: peak_bytes(name, num_rows, dim) for name in LOSSES}
    return {
        "loss_speedup_vs_dense": seconds["dense"] / seconds["blockwise"],
        "loss_memory_vs_dense": peaks["blockwise"] / peaks["dense"],
        "loss_max_relative_error": error,
        "loss_seconds": seconds["blockwise"],
        "loss_seconds_dense": seconds["dense"],
        "loss_peak_mb": peaks["blockwise"] / 2**20,
        "loss_peak_mb_dense": peaks["dense"] / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small batch, a few seconds")
    numbers = run(parser.parse_args().quick)
    print(f"{'':12}{'seconds':>10}{'peak MB':>10}")
    print(f"{'block-wise':12}{numbers['loss_seconds']:10.3f}{numbers['loss_peak_mb']:10.0f}")
    print(f"{'dense':12}{numbers['loss_seconds_dense']:10.3f}{numbers['loss_peak_mb_dense']:10.0f}")
    print(f"{numbers['loss_speedup_vs_dense']:.2f} times as fast, {numbers['loss_memory_vs_dense']:.3f} of the memory, ", end="")
    print(f"largest relative error {numbers['loss_max_relative_error']:.1e}")


if __name__ == "__main__":
    main()
