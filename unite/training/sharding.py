"""An encoder whose weights are sharded over the ranks, by torch's own `fully_shard` (FSDP2; Zhao et al., arXiv 2304.11277).

    at rest     each rank holds a part of the rows of every weight, of its gradient and of the optimizer's state
    forward     a layer's weights are gathered as it is called, and given up after it
    backward    they are gathered again; its gradients are summed over the ranks, each of which keeps its part

Gathering is done by all ranks together, so each must call the same layers equally often: `sharded_step` sees to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor

from unite.encoder.layers import layers_of
from unite.encoder.vlm import VLMEncoder
from unite.processes import is_first_rank


def shard(encoder: VLMEncoder, mesh: DeviceMesh) -> None:
    """Shards an encoder's weights over the ranks of a mesh, and moves it there: layer by layer, so that no device ever holds all of it.

    All ranks must have loaded the same weights. From then on the encoder is trained through `together` alone.

    Args:
        encoder: with its adapters; what is trained is known.
        mesh: of one dimension.
    """
    words = encoder.model.get_input_embeddings()
    for module in (*layers_of(encoder.model), words, encoder):
        fully_shard(module, mesh=mesh)
    register_fsdp_forward_method(encoder, "together")
    for module in _sharded(encoder):
        module.set_gradient_divide_factor(1.0)  # the objective's parts sum to the loss of the whole pool
        module.set_force_sum_reduction_for_comms(True)  # gloo knows no scaled sum
    if not (encoder.features_are_frozen or any(parameter.requires_grad for parameter in words.parameters())):
        # The first layer gives up its weights in the backward pass when the gradient of its inputs is known. They have one where there are
        # media, so they must have one on all ranks: else these would sum gradients in different orders.
        words.register_forward_hook(_with_gradient)


@contextmanager
def unsharded(encoder: nn.Module) -> Iterator[None]:
    """Holds all weights on every rank while the block runs, so that each may embed what it likes. Plain modules are left as they are."""
    sharded = list(_sharded(encoder))
    for module in sharded:
        module.set_reshard_after_forward(False, recurse=False)
        module.unshard()
    try:
        yield
    finally:
        for module in sharded:
            module.reshard()
            module.set_reshard_after_forward(id(module) != id(encoder), recurse=False)


def whole(tensor: Tensor) -> Tensor:
    """Returns a tensor with the parts of all ranks, which must all call this; a plain one as it is."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def trained_weights(encoder: nn.Module) -> dict[str, Tensor]:
    """Returns what is trained of a sharded encoder, whole and on the CPU, on the first rank; else nothing. All ranks call it together."""
    found: dict[str, Tensor] = {}
    for name, parameter in encoder.named_parameters():
        if parameter.requires_grad:
            tensor = whole(parameter.detach())
            if is_first_rank():
                found[name] = tensor.cpu()
    return found


def part(tensor: Tensor) -> Tensor:
    """Returns this rank's part of a tensor; a plain one as it is."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def total_norm(parameters: Sequence[nn.Parameter]) -> Tensor:
    """Returns the norm of the gradients of parameters, all of which are sharded or none; of none it is 0. All ranks call it together."""
    norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    return whole(norm)


def is_sharded(tensor: Tensor) -> bool:
    """Whether a tensor is one part of several, or all of it."""
    return isinstance(tensor, DTensor)


def _sharded(module: nn.Module) -> Iterator[FSDPModule]:
    return (one for one in module.modules() if isinstance(one, FSDPModule))


def _with_gradient(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    return output.requires_grad_() if torch.is_grad_enabled() else output
