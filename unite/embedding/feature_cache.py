"""Features of media on disk, so that a frozen tower sees a medium once and not once an epoch, a run and an evaluation.

    <folder>/<tower>-<format>/cache.json               what they are of
                              part-<...>.safetensors   features, see `unite.embedding.feature_parts`
    <folder>/size.lock                                 held while a part is added

They are told by the medium, by the tower and how it reads media (`towers_fingerprint`), and by the type it computes in. What was damaged
since is told and made again. Several processes may share a folder: each writes parts of its own and takes over those of the others. The
folder never takes more than its bound: what comes first stays, what is beyond it is made again each time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor

from unite.embedding.cache_parts import PARTS, check_made_by, new_part
from unite.embedding.feature_parts import FeaturePlace, open_part, write_features
from unite.encoder.features import Name
from unite.locks import locked
from unite.types import fingerprint

_log = logging.getLogger(__name__)
#: How features are made beside the tower's weights and settings, and how a part is laid out: those of another format lie in another folder.
_FORMAT = "1"
#: Bytes that are gathered before a part is written, and the seconds after which it is written with fewer: what a crash costs at most.
_PART_BYTES, _PART_SECONDS = 64 * 2**20, 30.0


class FeatureCache:
    """A `unite.encoder.features.StoredFeatures` on disk.

    Args:
        folder: of the features of all towers.
        tower: its fingerprint, see `towers_fingerprint`.
        max_bytes: that all of the folder may take.

    Attributes:
        folder: where the features of this tower lie.
        num_taken: how often features were read.
        num_made: how many were put here by this process.
        num_left_out: how many of those had no room, or could not be written.

    Raises:
        DataError: if the subfolder holds something else.
    """

    def __init__(self, folder: str | Path, tower: int, max_bytes: float) -> None:
        self.root = Path(folder)
        self.folder = self.root / f"{tower:016x}-{_FORMAT}"
        self.max_bytes = max_bytes
        self.num_taken = self.num_made = self.num_left_out = 0
        self._places: dict[int, list[FeaturePlace]] = {}  # mostly one: two processes may have made the same, or one is damaged
        self._new: dict[int, Tensor] = {}
        self._new_bytes = 0
        self._seen: set[str] = set()  # names of the parts that were read or written
        self._is_kept = True
        self._since = time.monotonic()
        made_by = {"tower": f"{tower:016x}", "format": _FORMAT}
        try:
            check_made_by(self.folder, made_by, "features", "Give another feature_cache.folder, or delete this one.")
        except OSError as error:
            self._give_up(error)
        self.refresh()

    def __len__(self) -> int:
        return len(self._places) + len(self._new)

    def get(self, names: Iterable[Name], device: torch.device) -> dict[Name, Tensor]:
        """Returns the features (V, 1 + K, D) of those media that are here, on the device."""
        found = {}
        for name in names:
            features = self._read(_key(name, device))
            if features is not None:
                self.num_taken += 1
                found[name] = features.to(device)
        return found

    def put(self, new: Mapping[Name, Tensor]) -> None:
        """Keeps features; they are on disk after `flush`, which comes by itself when there are many or some time has passed.

        Those that are NaN or infinite are not kept.
        """
        if not self._is_kept:
            self.num_left_out += len(new)
            return
        for name, features in new.items():
            if features.isfinite().all():
                self._new[_key(name, features.device)] = features.detach().to("cpu", copy=True)  # of a view of all that was seen
                self._new_bytes += features.nbytes
        if self._new_bytes >= _PART_BYTES or time.monotonic() - self._since >= _PART_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what is new, so far as there is room for it. Where it cannot be written, which is told once, no more is kept."""
        new, self._new, self._new_bytes, self._since = self._new, {}, 0, time.monotonic()
        if not new or not self._is_kept:
            return
        try:
            with ExitStack() as held:
                try:
                    held.enter_context(locked(self.root / "size.lock"))
                except OSError as error:
                    _log.debug("nothing can be locked in %s (%s): two processes may go beyond its bound", self.root, error)
                self.refresh()  # another process may have made the same
                self._write({key: features for key, features in new.items() if not self._places.get(key)})
        except OSError as error:
            self._give_up(error)

    def refresh(self) -> None:
        """Takes over what other processes have put here since."""
        for path in sorted(self.folder.glob(PARTS)):
            if path.name not in self._seen:
                self._seen.add(path.name)
                part = open_part(path)
                for key, place in ({} if part is None else part.places()).items():
                    self._places.setdefault(key, []).append(place)

    def close(self) -> None:
        """Writes what is new, and says how many features were taken from here."""
        self.flush()
        _log.info(
            "features of frozen towers: %d taken from %s, %d made and put there, %d made and left out",
            *(self.num_taken, self.folder, self.num_made, self.num_left_out),
        )

    def _read(self, key: int) -> Tensor | None:
        if key in self._new:
            return self._new[key]
        while places := self._places.get(key):
            features = places[-1].part.read(places[-1])
            if features is not None:
                return features
            _log.warning("features in %s are damaged: they are made again.", places.pop().part.path)
        return None

    def _write(self, new: dict[int, Tensor]) -> None:
        room = self.max_bytes - sum(path.stat().st_size for path in self.root.glob(f"*/{PARTS}"))
        fitting: dict[tuple[object, ...], dict[int, Tensor]] = {}  # a part holds those of one type
        for key, features in new.items():
            kind = (features.dtype, *features.shape[1:])
            room -= features.nbytes + _INDEX_BYTES + (0 if kind in fitting else _HEADER_BYTES)
            if room < 0:
                break
            fitting.setdefault(kind, {})[key] = features
        for some in fitting.values():
            write_features(new_part(self.folder), some)
            self.num_made += len(some)
        self.refresh()
        num_left = len(new) - sum(map(len, fitting.values()))
        if num_left:
            self._is_kept = False
            self.num_left_out += num_left
            others = [path.name for path in self.root.glob("*-*") if path.is_dir() and path != self.folder]
            _log.warning(
                "no more features are kept in %s: feature_cache.max_gb=%g is reached, and the media beyond it are seen again each time. "
                "Raise it, or delete the features of other towers there: %s.",
                *(self.root, self.max_bytes / 1e9, ", ".join(others) or "there are none"),
            )

    def _give_up(self, error: Exception) -> None:
        self._is_kept = False
        hint = "Free space there, or give another folder: feature_cache.folder=...; null keeps none."
        _log.warning("no features can be kept in %s (%s): it goes on without. %s", self.folder, error, hint)


#: What a medium takes in a part beside its features, and a part beside its media, at most.
_INDEX_BYTES, _HEADER_BYTES = 24, 1024


def _key(name: Name, device: torch.device) -> int:
    """Returns what a medium is known by here: its own name, and the type in which the tower computes at the moment."""
    is_mixed = torch.is_autocast_enabled(device.type)
    return fingerprint(*map(str, name), str(torch.get_autocast_dtype(device.type)) if is_mixed else "")
