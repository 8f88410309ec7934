"""Embeddings on disk, so that a second suite, or a run that was killed, embeds nothing twice.

    <folder>/<encoder>-<prompt>/cache.json                 which encoder and prompt the embeddings are of
                                part-<...>.safetensors     fingerprint (n,) int64, embedding (n, D) float32
                                                           key, keyed (m,) int64: contents that were read, and their fingerprints

An embedding is told by its content, the encoder's weights and settings, and the prompt. Parts are written whole or not at all and never
changed, so several processes may share a folder.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unite.batch import Processor, index_tensor
from unite.embedding.memory import is_before
from unite.errors import DataError, must_be
from unite.files import whole_file, write_text
from unite.media import KINDS
from unite.progress import tracked
from unite.types import Content, fingerprint

_log = logging.getLogger(__name__)
#: Attributes of modules that change nothing of the embeddings; the same checkpoint in another folder is the same encoder.
_NO_SETTINGS = {"training", "gradient_checkpointing", "name_or_path"}
#: Of what a fingerprint is made, and how its content is read: 0.1.0 took all settings of decoding into an image's fingerprint; "2" had
#: Pillow resize, and measured the time between a video's frames from the first to the last.
_FORMAT = "3"


class DiskCache:
    """An `unite.embedding.memory.EmbeddingCache` that outlives the process.

    Attributes:
        taken: the contents whose embeddings an earlier process left here, and this one asked for.
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
        self.folder = Path(folder) / f"{encoder:016x}-{prompt:016x}"
        self.rows_per_part = rows_per_part
        self.taken: set[int] = set()
        self.num_made = 0
        self._at: dict[int, tuple[Tensor, int]] = {}
        self._new: dict[int, Tensor] = {}
        self._fingerprints: dict[int, int] = {}
        self._new_fingerprints: dict[int, int] = {}
        self._check_made_by({"encoder": f"{encoder:016x}", "prompt": f"{prompt:016x}", "format": _FORMAT})
        for path in tracked(sorted(self.folder.glob("part-*.safetensors")), "the cache of embeddings", "files"):
            self._load(path)
        self._left = frozenset(self._at)

    @classmethod
    def of_encoder(cls, folder: str | Path, encoder: nn.Module) -> DiskCache:
        """Opens the cache of an encoder that has a `processor`."""
        return cls(folder, encoder_fingerprint(encoder), prompt_fingerprint(encoder.processor))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self._at) + len(self._new)

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
            DataError: if its dimension is not that of the cached ones.
        """
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
        """Writes what is new as one part.

        Raises:
            DataError: if it cannot be written.
        """
        rows = {}
        if self._new:
            rows = {"fingerprint": index_tensor(list(self._new)), "embedding": torch.stack(list(self._new.values())).float()}
        if self._new_fingerprints:
            keys, keyed = zip(*self._new_fingerprints.items(), strict=True)
            rows |= {"key": index_tensor(keys), "keyed": index_tensor(keyed)}
        if not rows:
            return
        path = self.folder / f"part-{uuid.uuid4().hex}.safetensors"
        try:
            with whole_file(path) as partial:
                save_file(rows, partial)
        except (SafetensorError, OSError) as error:
            hint = "Free space there, or give another folder: cache=...; cache=null keeps none."
            raise DataError(f"no embeddings can be written to {self.folder} ({error}). {hint}") from error
        self._add(rows)
        self._new, self._new_fingerprints = {}, {}

    def _check_made_by(self, made_by: dict[str, str]) -> None:
        path = self.folder / "cache.json"
        try:
            if not path.exists():
                write_text(path, json.dumps(made_by))
        except OSError as error:
            hint = "Give another folder: cache=...; cache=null keeps none."
            raise DataError(f"the cache of embeddings cannot be made in {self.folder} ({error}). {hint}") from error
        found = path.read_text(encoding="utf-8")
        if found == json.dumps({name: made_by[name] for name in ("encoder", "prompt")}):
            _log.info("%s holds embeddings of an earlier version: those of texts are used, those of media are made again.", self.folder)
            write_text(path, json.dumps(made_by))
        elif found != json.dumps(made_by):
            hint = "Give another cache folder, or delete this one."
            raise DataError(must_be(f"the embeddings in {self.folder}", f"made by {made_by}", found, hint))

    def _load(self, path: Path) -> None:
        try:
            self._add(load_file(path))
        except (SafetensorError, KeyError, OSError) as error:
            _log.warning("%s cannot be read (%s): its embeddings are made again.", path, error)

    def _add(self, rows: dict[str, Tensor]) -> None:
        if "key" in rows:
            self._fingerprints |= dict(zip(rows["key"].tolist(), rows["keyed"].tolist(), strict=True))
        if "fingerprint" in rows:
            embeddings = rows["embedding"]
            for row, fingerprint in enumerate(rows["fingerprint"].tolist()):
                known = self._at.get(fingerprint)  # of another part: two ranks that worked together each made one
                if known is None or is_before(embeddings[row], known[0][known[1]]):
                    self._at[fingerprint] = (embeddings, row)


def encoder_fingerprint(encoder: nn.Module) -> int:
    """Returns a 63-bit hash of an encoder: its weights and buffers, and the plain settings (numbers, names, switches) of its modules."""

    def parts() -> Iterator[str]:
        for name, module in encoder.named_modules():
            settings = {key: value for key, value in vars(module).items() if _is_setting(key, value)}
            yield f"{name} {type(module).__qualname__} {sorted(settings.items())!r}"
        for name, tensor in chain(encoder.named_parameters(), encoder.named_buffers()):
            data = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            yield f"{name} {tensor.dtype} {tuple(tensor.shape)} {fingerprint(data)}"  # one tensor's bytes at a time

    return fingerprint(*parts())


def prompt_fingerprint(processor: Processor) -> int:
    """Returns a 63-bit hash of how contents are written as tokens and patches: by what becomes of a few of them, and by plain settings.

    Those are texts and the probes of every kind of media (`Kind.probes`). That covers the template, the tokenizer, the instruction's place
    and the pixel caps, whatever the processor calls them.
    """
    texts = (Content("A plain text."), Content("A plain text.", instruction="Find it."))
    probes = (*texts, *(probe for kind in KINDS for probe in kind.probes()))
    counts = {key for key in vars(processor) if key.startswith("num_")}
    settings = {key: value for key, value in vars(processor).items() if _is_setting(key, value) and key not in counts}
    return fingerprint(repr(sorted(settings.items())), *(part for probe in probes for part in _as_read(processor, probe)))


def _as_read(processor: Processor, content: Content) -> Iterator[str | bytes]:
    try:
        encoded = processor.encode(content)
    except DataError as error:  # refusing a content is part of how the processor reads
        yield str(error)
        return
    tensors = {"input_ids": encoded.input_ids, "token_types": encoded.token_types, **encoded.media}
    for name, tensor in tensors.items():
        yield f"{name} {tensor.dtype} {tuple(tensor.shape)}"
        yield tensor.contiguous().numpy().tobytes()


def _is_setting(key: str, value: object) -> bool:
    return not key.startswith("_") and key not in _NO_SETTINGS and isinstance(value, str | int | float | bool | None)
