"""torch's Muon, over stacks of matrices of one shape instead of one matrix after the other: the same steps in fewer operations."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unite.errors import must_be


class StackedMuon(torch.optim.Muon):
    """`torch.optim.Muon` with the same options, state and steps (to the rounding of bfloat16, in which it orthogonalises).

    A model has many small matrices of few shapes: for 31 matrices of 6 shapes, 6 products are computed where torch computes 31.

    Args:
        matrices: those that are trained.
        **options: of `torch.optim.Muon`; of its rules of rates the original alone.

    Raises:
        ValueError: if another rule of rates is asked for.
    """

    def __init__(self, matrices: Sequence[nn.Parameter], **options: Any) -> None:
        if options.get("adjust_lr_fn") not in (None, "original"):
            raise ValueError(must_be("adjust_lr_fn", "'original' or None", options["adjust_lr_fn"]))
        super().__init__(matrices, **options)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """As of `torch.optim.Muon`."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            stacks: dict[Any, list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    rows, columns = parameter.shape
                    stacks[min(rows, columns), max(rows, columns), parameter.device, parameter.dtype].append((parameter, parameter.grad))
            for stack in stacks.values():
                self._step(stack, group)
        return loss

    def _step(self, stack: Sequence[tuple[nn.Parameter, Tensor]], group: dict[str, Any]) -> None:
        """Takes the step of matrices of one shape, some of them turned, given each with its gradient."""
        updates = []
        for parameter, gradient in stack:
            state = self.state[parameter]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            momentum = state["momentum_buffer"]
            momentum.lerp_(gradient, 1 - group["momentum"])
            update = gradient.lerp(momentum, group["momentum"]) if group["nesterov"] else momentum
            updates.append(update.T if _is_tall(parameter) else update)
        directions = orthogonal(torch.stack(updates), group["ns_coefficients"], group["ns_steps"], group["eps"])
        for (parameter, _), direction in zip(stack, directions, strict=True):
            rows, columns = parameter.shape
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            direction = direction.T if _is_tall(parameter) else direction
            parameter.add_(direction, alpha=-group["lr"] * math.sqrt(max(1.0, rows / columns)))


def orthogonal(matrices: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Makes the rows of matrices nearly orthogonal, by the Newton-Schulz iteration of Muon, in bfloat16.

    Args:
        matrices: (n, rows, columns), not more rows than columns.
        coefficients: of the polynomial of each step.
        steps: of the iteration.
        eps: the least norm that is divided by.

    Returns:
        (n, rows, columns) bfloat16, singular values near 1.
    """
    first, third, fifth = coefficients
    found = matrices.bfloat16()
    found = found / found.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = found @ found.mT
        found = torch.baddbmm(found, torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth), found, beta=first)
    return found


def _is_tall(matrix: Tensor) -> bool:
    return matrix.shape[0] > matrix.shape[1]
