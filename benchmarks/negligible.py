"""What leaving out contents of negligible gradient (`trainer.negligible_gradient`) gains, and what it loses, on a trained encoder.

    python -m benchmarks.negligible runs/stage2_mamcl/<run>/encoder [--batch 256]

Gradient-cached steps on one batch of the built-in mixture, of the bounds in turn: time over that of the whole step, the share of contents
left out, and the relative error of the weights' gradient. It matters how far the encoder is trained, so this is a table and no key of
results.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.loss import TEMPERATURE
from benchmarks.step import collated, in_turn, prepare
from unite.config.schema import MAMCLConfig
from unite.encoder.vlm import VLMEncoder
from unite.objective import MAMCL
from unite.training.step import ContrastiveStep, StepOutput

BOUNDS = (0.0, 0.001, 0.01, 0.03, 0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder", help="an exported encoder of the built-in world")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    _, examples = prepare(arguments.batch)
    encoder = VLMEncoder(arguments.encoder, dtype="float32", gradient_checkpointing=False, train_vision=True).train()
    batch = collated(encoder, examples)

    def step_with(bound: float) -> Callable[[], StepOutput]:
        step = ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=TEMPERATURE)), graph_tokens=1, negligible=bound)
        return lambda: step(batch, torch.Tensor.backward)

    steps = {str(bound): step_with(bound) for bound in BOUNDS}
    times = in_turn(dict(steps), repeats=arguments.repeats)
    whole = _gradient(encoder, steps["0.0"])
    print("| bound | time | contents left out | their share of the gradient | relative error of the weights' gradient |")
    print("|---|---|---|---|---|")
    for name, step in steps.items():
        error = (_gradient(encoder, step) - whole).norm() / whole.norm()
        left = step().left_out
        shares = (0.0, 0.0) if left is None else (float(left.contents), float(left.gradient))
        print(f"| {name} | {times[name] / times['0.0']:.2f} | {shares[0]:.1%} | {shares[1]:.2%} | {float(error):.2%} |")


def _gradient(encoder: VLMEncoder, step: Callable[[], StepOutput]) -> Tensor:
    encoder.zero_grad(set_to_none=True)
    step()
    return torch.cat([parameter.grad.flatten() for parameter in encoder.parameters() if parameter.grad is not None])


if __name__ == "__main__":
    main()
