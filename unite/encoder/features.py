"""Features of media that are kept from pass to pass: what one pass of a step has seen, another need not see again.

    within the bound    where they were made
    beyond it           in the host's memory, where the model is on a device and `host` is asked for; else not at all: they are made again

Those that come first stay: passes come again in the order in which they came, so that what was taken out for a later one would be missed
first. Either way the features are the same, and so are loss and gradients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from unite.config.schema.training import FeaturesBeyond

#: (fingerprint, `Modality.value`) of a medium, see `MicroBatch.media_names`.
Name = tuple[int, int]


class StoredFeatures(Protocol):
    """Features of frozen towers that outlive a step; `unite.embedding.feature_cache` keeps them on disk."""

    def get(self, names: Iterable[Name], device: torch.device) -> dict[Name, Tensor]:
        """Returns those that are there, on the device."""
        ...

    def put(self, new: Mapping[Name, Tensor]) -> None:
        """Keeps what towers have seen."""
        ...


class FeatureBound(NamedTuple):
    """How much of the features of frozen towers is kept over a step.

    Attributes:
        tokens: those of so many tokens of media stay where they were made; None keeps all.
        beyond: what becomes of the others.
    """

    tokens: int | None = None
    beyond: FeaturesBeyond = FeaturesBeyond.again


#: What a pass has seen is kept, all of it.
ALL_KEPT = FeatureBound()


class KeptFeatures:
    """The features (V, 1 + K, D) of media by their names.

    Args:
        bound: of what is kept; by default there is none.

    Attributes:
        num_tokens: whose features lie where they were made.
        num_host_tokens: whose features lie in the host's memory.
        num_again: media that were seen another time, since they were not kept.
    """

    def __init__(self, bound: FeatureBound = ALL_KEPT) -> None:
        self.bound = bound
        self.num_tokens = self.num_host_tokens = self.num_again = 0
        self._kept: dict[Name, Tensor] = {}
        self._on_host: dict[Name, Tensor] = {}
        self._left_out: set[Name] = set()

    def __contains__(self, name: Name) -> bool:
        return name in self._kept or name in self._on_host

    def __len__(self) -> int:
        return len(self._kept) + len(self._on_host)

    @property
    def num_bytes(self) -> int:
        """Of the features that lie where they were made."""
        return sum(features.nbytes for features in self._kept.values())

    @property
    def num_left_out(self) -> int:
        """How many media are beyond the bound and not in the host's memory either."""
        return len(self._left_out)

    @property
    def num_on_host(self) -> int:
        """How many media have their features in the host's memory."""
        return len(self._on_host)

    def of(self, names: Iterable[Name], device: torch.device) -> dict[Name, Tensor]:
        """Returns the features of those that are kept, on the device."""
        found = {}
        for name in names:
            if name in self._kept:
                found[name] = self._kept[name]
            elif name in self._on_host and name not in found:
                found[name] = self._on_host[name].to(device, non_blocking=True)
        return found

    def keep(self, new: Mapping[Name, Tensor]) -> None:
        """Keeps what a pass has seen, so far as the bound allows."""
        self.num_again += sum(name in self._left_out for name in new)
        room = self._room()
        if room is None or sum(map(len, new.values())) <= room:
            self._kept |= new
            self.num_tokens += sum(map(len, new.values()))
            return
        for name, features in new.items():
            if len(features) <= room:
                # A copy: those of a pass are views of one tensor, and one of them would hold all of it.
                self._kept[name] = features.clone()
                self.num_tokens += len(features)
                room -= len(features)
            elif self.bound.beyond is FeaturesBeyond.host and features.device.type != "cpu":
                self._on_host[name] = _to_host(features)
                self.num_host_tokens += len(features)
            else:
                self._left_out.add(name)

    def _room(self) -> int | None:
        return None if self.bound.tokens is None else self.bound.tokens - self.num_tokens


def _to_host(features: Tensor) -> Tensor:
    """Returns a copy in pinned memory, which the device writes while it goes on; what reads it on the same stream comes after."""
    host = torch.empty(features.shape, dtype=features.dtype, pin_memory=True)
    return host.copy_(features, non_blocking=True)
