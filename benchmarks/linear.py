"""Linear layers, forward and backward, by oneDNN's product against torch's own, at the widths of the tiny encoder.

python -m benchmarks.linear [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import nn

from unite.encoder.families.linear import speed_up_linear

#: Tokens, inputs, outputs.
SHAPES = ((2048, 96, 96), (2048, 96, 512), (2048, 256, 96), (16384, 96, 96), (9216, 588, 96))


def run(quick: bool) -> dict[str, float]:
    """Measures them in turn; keys as in experiments/performance/results.json. Over all shapes, the geometric mean."""
    speedups = []
    for tokens, inputs, outputs in SHAPES[: 1 if quick else None]:
        plain = nn.Linear(inputs, outputs)
        fast = nn.Linear(inputs, outputs)
        speed_up_linear(fast)
        states, gradient = torch.randn(tokens, inputs, requires_grad=True), torch.randn(tokens, outputs)
        times: dict[nn.Module, list[float]] = {plain: [], fast: []}
        for _ in range(5 if quick else 50):
            for layer, taken in times.items():
                start = time.perf_counter()
                layer(states).backward(gradient)
                taken.append(time.perf_counter() - start)
        speedups.append(statistics.median(times[plain]) / statistics.median(times[fast]))
    return {"linear_speedup_vs_torch": statistics.geometric_mean(speedups)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for key, value in run(parser.parse_args().quick).items():
        print(f"{key:36} {value:.4g}")
