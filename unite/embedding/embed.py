"""Contents to embeddings, in the order they came: equal ones once, packed by length, decoded as they are needed.

Beside a GPU, threads decode a little ahead. Contents gather in a window of a bounded number of tokens; there they are sorted by length and
cut into micro-batches of a token budget. So there is hardly any padding, and memory holds one window, whatever the number of contents. What
all contents of a window begin with, the prompt's first words, is passed through the model once a micro-batch.

Shapes: N contents, U of them unique, D dimensions, n contents in a micro-batch.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from unite.batch import EncodedContent, MicroBatch, Processor
from unite.data.packing import plan_micro_batches, shared_beginning
from unite.embedding.lazy import LazyContent, decoded, key_of, named
from unite.embedding.memory import EmbeddingCache, MemoryCache
from unite.embedding.texts import TextsTogether
from unite.errors import ConfigError, DataError, must_be
from unite.heap import keep_memory
from unite.types import Content

log = logging.getLogger(__name__)

#: How many micro-batches of a full budget a window holds: more leave less padding and take more memory.
BUDGETS_PER_WINDOW = 16
#: Contents decoded before they are needed.
DECODED_AHEAD = 32
#: Tokens of a micro-batch at most on a CPU, whatever the budget: of more, what a layer leaves the next is in no cache any more.
CPU_BUDGET = 4096
#: What a micro-batch costs beside its tokens, in tokens: here each is a pass of its own.
_OVERHEAD = 256
#: A content of more than so many times the shared beginning is passed whole: little is saved, and attention with a mask takes longer.
_LONG = 16


class Encoder(Protocol):
    """What evaluation needs of an encoder, a `torch.nn.Module`: its processor, and the forward pass to (n, D) embeddings."""

    processor: Any
    training: bool

    def __call__(self, micro_batch: MicroBatch) -> Tensor:
        """Returns (n, D) embeddings, L2-normalised."""
        ...

    def train(self, mode: bool = True) -> Any:
        """As of `torch.nn.Module`."""
        ...

    def parameters(self) -> Iterator[Any]:
        """As of `torch.nn.Module`."""
        ...


def embed_contents(
    encoder: Encoder,
    contents: Iterable[Content | LazyContent],
    *,
    token_budget: int = 16384,
    ids: Sequence[str] | None = None,
    cache: EmbeddingCache | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Returns the embeddings of N contents, (N, D) float32 on the CPU, in the order of the contents.

    The encoder runs without gradients in eval mode; its mode is restored afterwards. A text that is longer than it reads loses its end;
    how many do is logged.

    Args:
        encoder: embeds micro-batches, on the device where its parameters are.
        contents: drawn once. One whose embedding is cached is not read, and one that equals another is not decoded.
        token_budget: tokens a micro-batch may hold, padding included. A content larger than that is embedded alone.
        ids: (N,) what to call the contents in an error that bring no name themselves; their positions by default.
        cache: where embeddings may already be, and where new ones go.
        on_progress: called with the number of contents done since the last call.

    Raises:
        DataError: if there are no contents, one cannot be read, decoded or encoded, or its embedding is NaN or infinite; it is named.
    """
    if token_budget < 1:
        raise ConfigError(must_be("token_budget", "at least 1", token_budget))
    report = on_progress or (lambda count: None)
    places: list[int] = []  # of each content, among the unique ones
    ahead: deque[tuple[int, str, Callable[[], Content]]] = deque()
    device = device_of(encoder)
    if device.type == "cpu":
        keep_memory()
    with _evaluating(encoder), _decoder(device) as decode, ThreadPoolExecutor(max_workers=1) as threads:
        run = _Run(encoder, token_budget, MemoryCache() if cache is None else cache, ids, threads)
        for content in contents:
            name = run.name_of(content, len(places))
            index, is_new = run.place(content, name)
            places.append(index)
            if is_new:
                ahead.append((index, name, decode(content)))
            if len(ahead) > DECODED_AHEAD:
                run.add(*ahead.popleft())
            report(run.take_done())
        while ahead:
            run.add(*ahead.popleft())
        run.add_rest()
        run.encode_window()
        report(run.take_done())
    if not places:
        raise DataError(must_be("the contents to embed", "at least one", 0))
    run.cache.flush()
    if run.cut:
        told = "%d of %d embedded contents hold a text that is longer than encoder.max_length: its end is not read. The first is %s."
        log.warning(told, len(run.cut), run.num_encoded, run.cut[0])
    return torch.stack(run.embeddings)[torch.tensor(places)]


def device_of(encoder: Encoder) -> torch.device:
    """Returns where an encoder is; of one without parameters, the CPU."""
    return next((parameter.device for parameter in encoder.parameters()), torch.device("cpu"))


def fingerprints(contents: Iterable[Content | LazyContent], cache: EmbeddingCache) -> list[int]:
    """Returns the fingerprint of each content; one that the cache knows by its key is not read, any other is and the cache learns it."""
    found = []
    for content in contents:
        key = key_of(content)
        known = content.fingerprint if isinstance(content, Content) else cache.fingerprint_of(key)
        if known is None:
            known = content.fingerprint
            if known != key:
                cache.note(key, known)
        found.append(known)
    return found


@contextmanager
def _decoder(device: torch.device) -> Iterator[Callable[[Content | LazyContent], Callable[[], Content]]]:
    """Yields what begins to decode a content, and returns what to call for it: threads beside a GPU.

    On a CPU, whose cores the encoder fills, it is decoded when it is called for: threads made it a fifth slower there, Python's lock going
    to and fro.
    """
    if device.type == "cpu":
        yield lambda content: partial(decoded, content)
        return
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
        yield lambda content: threads.submit(decoded, content).result


class _Run:
    """The state of one call: unique contents met so far, and those of the window that wait to be embedded."""

    def __init__(self, encoder: Encoder, token_budget: int, cache: EmbeddingCache, ids: Sequence[str] | None, threads: Executor) -> None:
        self.encoder = encoder
        self.processor: Processor = encoder.processor
        self.device = device_of(encoder)
        self.token_budget = token_budget
        self.cache = cache
        self.ids = ids
        self.embeddings: list[Tensor] = []  # (U,) of (D,); those of the window are empty until it is embedded
        self.fingerprints: list[int] = []
        self.num_encoded = 0
        self.cut: list[str] = []  # the names of those whose text lost its end
        self.done = 0
        self._index_of: dict[int, int] = {}
        self._texts = TextsTogether(self.processor, threads)
        self._window: list[tuple[int, str, EncodedContent]] = []
        self._tokens = 0

    def name_of(self, content: Content | LazyContent, position: int) -> str:
        """Returns what to call a content in an error."""
        if isinstance(content, LazyContent):
            return content.name
        return self.ids[position] if self.ids else f"content {position}"

    def place(self, content: Content | LazyContent, name: str) -> tuple[int, bool]:
        """Returns the index of a content among the unique ones, and whether it has to be embedded. Reads it if the cache knows no key."""
        with named(name):
            (key,) = fingerprints([content], self.cache)
        if key in self._index_of:
            self.done += 1
            return self._index_of[key], False
        index = self._index_of[key] = len(self.embeddings)
        self.fingerprints.append(key)
        cached = self.cache.get(key)
        self.embeddings.append(torch.empty(0) if cached is None else cached)
        self.done += cached is not None
        return index, cached is None

    def add(self, index: int, name: str, decode: Callable[[], Content]) -> None:
        """Puts a content into the window; embeds the window when it is full."""
        with named(name):
            content = decode()
            media = self.processor.encode(content) if content.media else None
        for encoded in self._texts.add(index, name, content) if media is None else [(index, name, media)]:
            self._wait(*encoded)

    def add_rest(self) -> None:
        """Puts the texts that are not encoded yet into the window."""
        for encoded in self._texts.rest():
            self._wait(*encoded)

    def _wait(self, index: int, name: str, encoded: EncodedContent) -> None:
        self.num_encoded += 1
        if encoded.is_cut:
            self.cut.append(name)
        self._window.append((index, name, encoded))
        self._tokens += encoded.num_tokens
        if self._tokens >= BUDGETS_PER_WINDOW * self.token_budget:
            self.encode_window()

    def encode_window(self) -> None:
        """Embeds what waits, sorted by length.

        Raises:
            DataError: at once, not after hours, if an embedding is not finite.
        """
        budget = min(self.token_budget, CPU_BUDGET) if self.device.type == "cpu" else self.token_budget
        shared = shared_beginning([encoded for _, _, encoded in self._window]) if len(self._window) > 1 else 0
        own = [encoded.num_tokens - shared * (encoded.num_tokens <= _LONG * shared) for _, _, encoded in self._window]
        room = max(budget - shared, 1)
        bad: list[int] = []
        # A content above the budget counts as the whole budget, so it stands alone.
        for group in plan_micro_batches([min(length, room) for length in own], room, _OVERHEAD):
            rows = [self._window[row] for row in group]
            micro_batch = self.processor.pad([encoded for _, _, encoded in rows], [index for index, _, _ in rows])
            if len(rows) > 1 and micro_batch.input_ids.shape[1] <= _LONG * shared:
                micro_batch.shared = shared
            embeddings = self.encoder(micro_batch.to(self.device)).float().cpu()
            finite = embeddings.isfinite().all(dim=1).tolist()
            for row, (index, _, _), embedding, good in zip(group, rows, embeddings, finite, strict=True):
                self.embeddings[index] = embedding
                if good:
                    self.cache.put(self.fingerprints[index], embedding)
                else:
                    bad.append(row)
            self.done += len(rows)
        window, self._window, self._tokens = self._window, [], 0
        if bad:
            names = ", ".join(window[row][1] for row in sorted(bad)[:5])
            hint = "If all are, the encoder's weights or its precision are at fault; if few are, look at these contents."
            raise DataError(must_be("embeddings", "finite", f"NaN or infinite for {len(bad)} contents: {names}", hint))

    def take_done(self) -> int:
        """Returns how many contents were done since the last call."""
        done, self.done = self.done, 0
        return done


@contextmanager
def _evaluating(encoder: Encoder) -> Iterator[None]:
    training = encoder.training
    encoder.train(False)
    try:
        with torch.no_grad():
            yield
    finally:
        encoder.train(training)
