"""A checkpoint in parts: each rank writes its part of every sharded tensor, and any number of ranks reads what it needs of them.

    step=200.ckpt/
      shard-00001-model-00001-of-00001.safetensors     a file each rank: its rows of weights and of the optimizer's state
      state.ckpt                                       all that is not sharded, what stands where, and which parts there are

The parts are safetensors of torch's own distributed checkpoint, and the rest is read with `weights_only`: no reading runs code. All ranks
must see the folder, which gets its name when it is whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Shard, zeros

from unite.errors import CheckpointError, must_be
from unite.processes import is_first_rank, num_ranks

_STATE = "state.ckpt"
_PARTS = "parts"
_SHARDED = "sharded tensor"


def state_file(checkpoint: Path) -> Path:
    """Returns the file that holds all of a checkpoint that is not sharded: of one in parts, in its folder; else the checkpoint itself."""
    return checkpoint / _STATE if checkpoint.is_dir() else checkpoint


def write_in_parts(checkpoint: dict[str, Any], folder: Path) -> None:
    """Writes a checkpoint; one of that name is replaced. All ranks call it together.

    Args:
        checkpoint: dicts, lists, plain tensors and numbers, the same on all ranks; and DTensors, of which each rank writes its part.
        folder: its name.
    """
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter  # an older torch has it not
    from torch.distributed.checkpoint.state_dict_saver import save

    tensors: dict[str, Any] = {}

    def taken(tensor: DTensor, place: str) -> dict[str, Any]:
        tensors[place] = tensor.detach()
        return {_SHARDED: place, "shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}

    state = _mapped(checkpoint, lambda one: isinstance(one, DTensor), taken)
    partial = folder.with_name(f"{folder.name}.partial")
    if is_first_rank():
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    _wait()
    save(tensors, storage_writer=HuggingFaceStorageWriter(str(partial), save_distributed=True))
    _wait()
    if is_first_rank():
        parts = {path.name: path.stat().st_size for path in sorted(partial.iterdir())}
        torch.save(state | {_PARTS: parts}, partial / _STATE)
        if folder.is_dir():
            shutil.rmtree(folder)
        partial.rename(folder)
    _wait()


def read_in_parts(folder: Path, mesh: DeviceMesh) -> dict[str, Any]:
    """Reads what `write_in_parts` wrote, on any number of ranks. All of them call it together.

    Args:
        folder: of the checkpoint.
        mesh: whose ranks get each their part.

    Raises:
        CheckpointError: if a part is missing.
    """
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.state_dict_loader import load

    state = torch.load(state_file(folder), map_location="cpu", weights_only=True)
    check_parts(folder, state)
    tensors: dict[str, Any] = {}

    def empty(said: dict[str, Any], place: str) -> Tensor:
        dtype = getattr(torch, said["dtype"])
        made: Tensor = zeros(*said["shape"], dtype=dtype, device_mesh=mesh, placements=[Shard(0)])
        tensors[said[_SHARDED]] = made
        return made

    checkpoint: dict[str, Any] = _mapped(state, lambda one: isinstance(one, dict) and _SHARDED in one, empty)
    load(tensors, storage_reader=HuggingFaceStorageReader(str(folder)))
    return checkpoint


def check_parts(folder: Path, state: dict[str, Any]) -> None:
    """Refuses a checkpoint in parts of which one is missing: torch would leave its rows zero.

    Args:
        folder: of the checkpoint.
        state: what its `state_file` holds.

    Raises:
        CheckpointError: in that case; it names the parts.
    """
    hint = "Copy it again, or delete it: resume=true then goes on from the one before, or begins the stage again."
    missing = [name for name, size in state.get(_PARTS, {}).items() if not _has_size(folder / name, size)]
    if missing or _PARTS not in state:
        found = f"without {', '.join(missing)}" if missing else "without the list of its parts"
        raise CheckpointError(must_be(f"the checkpoint {folder}", "whole", found, hint))


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _mapped(node: Any, is_leaf: Callable[[Any], bool], made: Callable[[Any, str], Any], place: str = "") -> Any:
    """Returns dicts and lists with other leaves; `made` is given a leaf and its place, such as `/optimizer_states/0/state/3/exp_avg`."""
    if is_leaf(node):
        return made(node, place)
    if isinstance(node, dict):
        return type(node)((key, _mapped(one, is_leaf, made, f"{place}/{key}")) for key, one in node.items())
    if isinstance(node, list):
        return [_mapped(one, is_leaf, made, f"{place}/{at}") for at, one in enumerate(node)]
    return node


def _wait() -> None:
    if num_ranks() > 1:
        dist.barrier()
