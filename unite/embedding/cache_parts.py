"""The files that the caches of embeddings and features are made of: written whole or not at all, never changed, and each with a checksum.

part-<...>.safetensors     fingerprint (n,) int64, embedding (n, D) float32
                           key, keyed (m,) int64: contents that were read, and their fingerprints

Those of features are laid out in `unite.embedding.feature_parts`.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from unite.errors import DataError, must_be
from unite.files import whole_file, write_text
from unite.types import fingerprint

_log = logging.getLogger(__name__)
#: The names of parts, as a glob.
PARTS = "part-*.safetensors"
_CHECKSUM = "checksum"


def check_made_by(folder: Path, made_by: Mapping[str, str], what: str, hint: str) -> None:
    """Says in a folder of a cache what made its content, or checks what is said there.

    Args:
        folder: of the parts.
        made_by: what they follow from, by name.
        what: lies there, in words.
        hint: what to do where it is of something else.

    Raises:
        OSError: if it can neither be read nor written.
        DataError: if the content was made by something else.
    """
    path = folder / "cache.json"
    if not path.exists():
        write_text(path, json.dumps(made_by))
    found = path.read_text(encoding="utf-8", errors="backslashreplace")
    if found != json.dumps(made_by):
        raise DataError(must_be(f"the {what} in {folder}", f"made by {made_by}", found, hint))


def new_part(folder: Path) -> Path:
    """Returns a path for a part, which no other process has."""
    return folder / PARTS.replace("*", uuid.uuid4().hex)


def write_part(path: Path, rows: Mapping[str, Tensor]) -> None:
    """Writes a part, the whole of it or nothing. Raises OSError if it cannot be written."""
    write_tensors(path, rows, rows)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], checked: Mapping[str, Tensor]) -> None:
    """Writes tensors with the checksum of some of them, whole or not at all. Raises OSError if they cannot be written."""
    try:
        with whole_file(path) as partial:
            save_file(dict(tensors), partial, {_CHECKSUM: _checksum(checked)})
    except SafetensorError as error:  # its word for a full disk
        raise OSError(str(error)) from error


def read_part(path: Path, dim: int | None) -> dict[str, Tensor] | None:
    """Returns a part; None, which is told, of one that cannot be read, or is damaged: that one is set aside.

    Args:
        dim: D of the parts beside it; None if there are none.
    """
    with told_if_damaged(path, "embeddings"):
        rows = load_file(path)
        with safe_open(path, framework="pt") as file:
            check_told(file, rows)
        _check_layout(rows, dim)
        return rows
    return None


def check_told(file: Any, checked: Mapping[str, Tensor]) -> None:
    """Raises ValueError if the tensors of an open part are not those that its checksum was made of."""
    if (file.metadata() or {}).get(_CHECKSUM) != _checksum(checked):
        raise ValueError("its content is not what its checksum says")


@contextmanager
def told_if_damaged(path: Path, what: str) -> Iterator[None]:
    """Tells of a part that cannot be read within the block, and goes on; one that is damaged (ValueError) is set aside.

    Args:
        path: of the part.
        what: it holds, in words.
    """
    try:
        yield
    except OSError as error:  # it is there, and may be read another time
        _log.warning("%s cannot be read (%s): its %s are made again.", path, error, what)
    except (SafetensorError, ValueError) as error:
        aside = path.with_suffix(".damaged")
        with suppress(OSError):  # another process has done it, or nothing can be written there
            path.rename(aside)
        _log.warning("%s is damaged (%s): its %s are made again; it is set aside as %s.", path, error, what, aside.name)


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
