"""The files that the cache of features is made of: as those of embeddings, but read a medium at a time, so each has a checksum.

part-<...>.safetensors     fingerprint (n,) int64, of the media
                           length (n,) int64, V: how many tokens each has
                           checksum (n,) int64, of each medium's features
                           features (sum of V, 1 + K, D), of one type
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from safetensors import safe_open
from torch import Tensor

from unite.batch import index_tensor
from unite.embedding.cache_parts import check_told, told_if_damaged, write_tensors
from unite.types import fingerprint


class FeaturePlace(NamedTuple):
    """Where the features of a medium lie: rows of a part, and what they must give."""

    part: FeaturePart
    begin: int
    length: int
    checksum: int


class FeaturePart:
    """An open part. Its index is in memory; features are read from the file as they are asked for.

    Args:
        path: of the file.

    Raises:
        ValueError, SafetensorError: if it is damaged.
        OSError: if it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = cast(Any, safe_open(path, framework="pt"))
        index = {name: self._file.get_tensor(name) for name in self._file.keys() if name != "features"}  # noqa: SIM118  # no mapping
        check_told(self._file, index)
        self._features = self._file.get_slice("features")
        self._index = {name: tensor.tolist() for name, tensor in index.items()}

    def places(self) -> dict[int, FeaturePlace]:
        """Returns where each medium's features lie."""
        places, begin = {}, 0
        for name, length, checksum in zip(*(self._index[key] for key in ("fingerprint", "length", "checksum")), strict=True):
            places[name] = FeaturePlace(self, begin, length, checksum)
            begin += length
        return places

    def read(self, place: FeaturePlace) -> Tensor | None:
        """Returns the features of a medium, (V, 1 + K, D); None if they are not what was written."""
        features: Tensor = self._features[place.begin : place.begin + place.length]
        return features if checksum_of(features) == place.checksum else None


def open_part(path: Path) -> FeaturePart | None:
    """Opens a part; None, which is told, of one that cannot be read, or is damaged: that one is set aside."""
    with told_if_damaged(path, "features"):
        return FeaturePart(path)
    return None


def write_features(path: Path, features: Mapping[int, Tensor]) -> None:
    """Writes a part, the whole of it or nothing.

    Args:
        path: of the file.
        features: (V, 1 + K, D) of each medium, by its fingerprint; at least one, of one type and width.

    Raises:
        OSError: if it cannot be written.
    """
    index = {
        "fingerprint": index_tensor(list(features)),
        "length": index_tensor([len(one) for one in features.values()]),
        "checksum": index_tensor([checksum_of(one) for one in features.values()]),
    }
    write_tensors(path, {**index, "features": torch.cat(list(features.values()))}, index)


def checksum_of(features: Tensor) -> int:
    """Returns a 63-bit hash of the bytes and the shape of a medium's features."""
    return fingerprint(f"{features.dtype} {tuple(features.shape)}", features.contiguous().view(torch.uint8).numpy().tobytes())
