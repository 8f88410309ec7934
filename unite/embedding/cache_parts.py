"""The files that the cache of embeddings is made of: written whole or not at all, never changed, and each with a checksum.

part-<...>.safetensors     fingerprint (n,) int64, embedding (n, D) float32
                           key, keyed (m,) int64: contents that were read, and their fingerprints
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from unite.files import whole_file
from unite.types import fingerprint

_log = logging.getLogger(__name__)
#: The names of parts, as a glob.
PARTS = "part-*.safetensors"
_CHECKSUM = "checksum"


def new_part(folder: Path) -> Path:
    """Returns a path for a part, which no other process has."""
    return folder / PARTS.replace("*", uuid.uuid4().hex)


def write_part(path: Path, rows: Mapping[str, Tensor]) -> None:
    """Writes a part, the whole of it or nothing. Raises OSError if it cannot be written."""
    try:
        with whole_file(path) as partial:
            save_file(dict(rows), partial, {_CHECKSUM: _checksum(rows)})
    except SafetensorError as error:  # its word for a full disk
        raise OSError(str(error)) from error


def read_part(path: Path, dim: int | None) -> dict[str, Tensor] | None:
    """Returns a part; None, which is told, of one that cannot be read, or is damaged: that one is set aside.

    Args:
        dim: D of the parts beside it; None if there are none.
    """
    try:
        rows = load_file(path)
        with safe_open(path, framework="pt") as file:
            told = (file.metadata() or {}).get(_CHECKSUM)
        if told != _checksum(rows):
            raise ValueError("its content is not what its checksum says")
        _check_layout(rows, dim)
        return rows
    except OSError as error:  # it is there, and may be read another time
        _log.warning("%s cannot be read (%s): its embeddings are made again.", path, error)
    except (SafetensorError, ValueError) as error:
        aside = path.with_suffix(".damaged")
        with suppress(OSError):  # another process has done it, or nothing can be written there
            path.rename(aside)
        _log.warning("%s is damaged (%s): its embeddings are made again; it is set aside as %s.", path, error, aside.name)
    return None


def _check_layout(rows: Mapping[str, Tensor], dim: int | None) -> None:
    """Raises ValueError if a part, of another program maybe, has not the layout that stands at the top of this file."""
    shapes = {name: tuple(tensor.shape) for name, tensor in rows.items()}
    num, num_keys = shapes.get("fingerprint", (0,)), shapes.get("key", (0,))
    dim = shapes.get("embedding", (0, 0))[-1] if dim is None else dim
    embedding = rows.get("embedding", torch.empty(0, dim))
    if embedding.dtype != torch.float32 or tuple(embedding.shape) != (*num, dim) or shapes.get("keyed", (0,)) != num_keys:
        raise ValueError(f"it holds {shapes}")


def _checksum(rows: Mapping[str, Tensor]) -> str:
    """Returns what is written of a part's tensors to tell whether they are still the same."""
    parts = (
        part
        for name, tensor in sorted(rows.items())
        for part in (f"{name} {tensor.dtype} {tuple(tensor.shape)}", tensor.contiguous().numpy().tobytes())
    )
    return f"{fingerprint(*parts):016x}"
