"""Embeddings on disk, so that a second suite, or a run that was killed, embeds nothing twice.

    <folder>/<encoder>-<prompt>-<format>/cache.json        which encoder and prompt the embeddings are of
                                part-<...>.safetensors     embeddings, see `unite.embedding.cache_parts`
                                <...>.lock                 contents that a process embeds at the moment

An embedding is told by its content, the encoder's weights and settings, and the prompt. What was damaged since is told and made again.
Several processes may share a folder, and the work (`DiskCache.turn`); where it cannot be written, embeddings are kept in memory alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from unite.batch import index_tensor
from unite.embedding.cache_parts import PARTS, check_made_by, new_part, read_part, write_part
from unite.embedding.fingerprints import encoder_fingerprint, prompt_fingerprint
from unite.embedding.memory import is_before
from unite.errors import DataError, must_be
from unite.locks import locked
from unite.processes import num_ranks
from unite.progress import tracked
from unite.types import fingerprint

_log = logging.getLogger(__name__)
#: Of what a fingerprint is made, how its content is read, and how a part is laid out: embeddings of another format lie in another folder.
_FORMAT = "4"


class DiskCache:
    """An `unite.embedding.memory.EmbeddingCache` that outlives the process.

    Attributes:
        folder: where the embeddings of this encoder and prompt lie.
        taken: the contents whose embeddings other processes left here, and this one asked for.
        num_made: how many embeddings were put here by this process.

    Args:
        folder: holds a subfolder for each encoder and prompt.
        encoder: its fingerprint, see `encoder_fingerprint`.
        prompt: the prompt's, see `prompt_fingerprint`.
        rows_per_part: after how many new embeddings a part is written; what a crash costs at most.

    Raises:
        DataError: if the subfolder holds the embeddings of another encoder or prompt.
    """

    def __init__(self, folder: str | Path, encoder: int, prompt: int, rows_per_part: int = 2048) -> None:
        self.folder = Path(folder) / f"{encoder:016x}-{prompt:016x}-{_FORMAT}"
        self.rows_per_part = rows_per_part
        self.taken: set[int] = set()
        self.num_made = 0
        self._at: dict[int, tuple[Tensor, int]] = {}
        self._new: dict[int, Tensor] = {}
        self._fingerprints: dict[int, int] = {}
        self._new_fingerprints: dict[int, int] = {}
        self._left: set[int] = set()
        self._seen: set[str] = set()  # names of the parts that were read or written
        self._is_kept = self._is_shared = True
        made_by = {"encoder": f"{encoder:016x}", "prompt": f"{prompt:016x}", "format": _FORMAT}
        try:
            check_made_by(self.folder, made_by, "embeddings", "Give another cache folder, or delete this one.")
        except OSError as error:
            self._give_up(error)
        self.refresh()
        self._left = set(self._at)

    @classmethod
    def of_encoder(cls, folder: str | Path, encoder: nn.Module) -> DiskCache:
        """Opens the cache of an encoder that has a `processor`."""
        return cls(folder, encoder_fingerprint(encoder), prompt_fingerprint(encoder.processor))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self._at) + len(self._new)

    def __contains__(self, fingerprint: int) -> bool:
        return fingerprint in self._new or fingerprint in self._at

    def refresh(self) -> None:
        """Takes over what other processes have put here since."""
        new = [path for path in sorted(self.folder.glob(PARTS)) if path.name not in self._seen]
        for path in tracked(new, "the cache of embeddings", "files") if new else ():
            self._seen.add(path.name)
            dim = next((known.shape[1] for known, _ in self._at.values()), None)
            if (rows := read_part(path, dim)) is None:
                continue
            added = self._add(rows, path)
            if num_ranks() == 1:  # else the ranks of this one run may have made them
                self._left |= added

    @contextmanager
    def turn(self, work: str, *, wait: bool) -> Iterator[bool]:
        """Holds some contents while the block embeds them, and takes over before that what other processes have put here.

        Yields whether it holds them: without `wait` not if another process does. The system takes them from a process that dies. They
        are held by a lock of the file system; on one that has none, such as some network file systems, two processes may do the same.

        Args:
            work: a name for the contents, the same in every process.
        """
        with ExitStack() as held:
            is_held = True
            if self._is_kept and self._is_shared:
                try:
                    is_held = held.enter_context(locked(self.folder / f"{work}.lock", wait=wait))
                except OSError as error:
                    self._is_shared = False
                    _log.warning("nothing can be locked in %s (%s): two processes may embed the same", self.folder, error)
                self.refresh()
            yield is_held

    def get(self, fingerprint: int) -> Tensor | None:
        """Returns the (D,) float32 embedding of a content, or None."""
        if fingerprint in self._new:
            return self._new[fingerprint]
        if fingerprint in self._at:
            if fingerprint in self._left:
                self.taken.add(fingerprint)
            embeddings, row = self._at[fingerprint]
            return embeddings[row]
        return None

    def fingerprint_of(self, key: int) -> int | None:
        """Returns the fingerprint of the content that was read under that key, or None."""
        return self._fingerprints.get(key)

    def note(self, key: int, fingerprint: int, *, keep: bool = True) -> None:
        """Notes the fingerprint of a content that was read; on disk with `keep`, after `flush`."""
        self._fingerprints[key] = fingerprint
        if keep:
            self._new_fingerprints[key] = fingerprint

    def put(self, fingerprint: int, embedding: Tensor) -> None:
        """Keeps a (D,) embedding; it is on disk after `flush`, or when a part is full.

        Raises:
            DataError: if it is NaN or infinite, or its dimension is not that of the cached ones.
        """
        if not embedding.isfinite().all():
            raise DataError(must_be("an embedding to be kept", "finite", "NaN or infinite"))
        known = next(iter(self._new.values()), None)
        dim = len(known) if known is not None else next((rows.shape[1] for rows, _ in self._at.values()), len(embedding))
        if len(embedding) != dim:
            hint = "Delete the folder, it is of another encoder."
            raise DataError(must_be(f"an embedding for {self.folder}", f"{dim} long, as the cached ones", len(embedding), hint))
        self._new[fingerprint] = embedding
        self.num_made += 1
        if len(self._new) >= self.rows_per_part:
            self.flush()

    def learn(self, fingerprint: int, embedding: Tensor) -> None:
        """Takes over the (D,) embedding that all ranks agreed on; the rank that made it has it on disk."""
        self._at[fingerprint] = (embedding[None], 0)

    def flush(self) -> None:
        """Writes what is new as one part. Where that cannot be written it is kept in memory, which is told once."""
        rows = {}
        if self._new:
            rows = {"fingerprint": index_tensor(list(self._new)), "embedding": torch.stack(list(self._new.values())).float()}
        if self._new_fingerprints:
            keys, keyed = zip(*self._new_fingerprints.items(), strict=True)
            rows |= {"key": index_tensor(keys), "keyed": index_tensor(keyed)}
        if not rows:
            return
        path = new_part(self.folder)
        if self._is_kept:
            try:
                write_part(path, rows)
            except OSError as error:
                self._give_up(error)
        self._seen.add(path.name)
        self._add(rows)
        self._new, self._new_fingerprints = {}, {}

    def num_bytes(self) -> tuple[int, int]:
        """Returns how many bytes this cache takes, and how many those of all encoders in the folder do."""
        sizes = {path: path.stat().st_size for path in self.folder.parent.glob(f"*/{PARTS}") if path.is_file()}
        return sum(size for path, size in sizes.items() if path.parent == self.folder), sum(sizes.values())

    def _give_up(self, error: Exception) -> None:
        self._is_kept = False
        hint = "Free space there, or give another folder: cache=...; cache=null keeps none."
        _log.warning("no embeddings can be kept in %s (%s): it goes on without. %s", self.folder, error, hint)

    def _add(self, rows: Mapping[str, Tensor], path: Path | None = None) -> set[int]:
        """Takes over a part, and returns the fingerprints of its embeddings; those that are not finite are left out and told."""
        if "key" in rows:
            self._fingerprints |= dict(zip(rows["key"].tolist(), rows["keyed"].tolist(), strict=True))
        if "fingerprint" not in rows:
            return set()
        embeddings = rows["embedding"]
        finite = embeddings.isfinite().all(dim=1).tolist()
        if not all(finite):
            _log.warning("%s holds %d embeddings that are NaN or infinite: they are made again.", path, finite.count(False))
        added = set()
        for row, (key, good) in enumerate(zip(rows["fingerprint"].tolist(), finite, strict=True)):
            if not good:
                continue
            added.add(key)
            known = self._at.get(key)  # of another part: two processes that worked at once each made one
            if known is None or is_before(embeddings[row], known[0][known[1]]):
                self._at[key] = (embeddings, row)
        return added


def tell_outdated(cache: Path, *others: Path) -> None:
    """Tells of the embeddings that earlier versions left in a cache and in other folders, once: they are not read any more.

    Args:
        cache: the folder of all encoders; it notes what was told.
        others: where earlier versions kept theirs.
    """
    for folder in dict.fromkeys((cache, *others)):
        left = [path.parent for path in sorted(folder.glob("*-*/cache.json")) if not path.parent.name.endswith(f"-{_FORMAT}")]
        told = cache / f"told-{fingerprint(str(folder.absolute()), *(path.name for path in left)):016x}"
        if not left or told.exists():
            continue
        size = sum(path.stat().st_size for old in left for path in old.glob(PARTS))
        _log.info(
            "%s holds embeddings of an earlier version (%.1f MB), which are not used any more and may be deleted: %s",
            *(folder, size / 1e6, ", ".join(path.name for path in left)),
        )
        with suppress(OSError):
            told.touch()
