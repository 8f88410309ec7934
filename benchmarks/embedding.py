"""`Embedder.encode` of texts, against what is usually written: all tokenised, sorted by length, 32 at a time, padded.

    python -m benchmarks.embedding [--quick]

1,200 different texts of the built-in world, on the tiny encoder with random weights, float32:

    mixed    1 to 16 captions a text: 33 to 280 tokens, as unlike as those of real data
    short    1 or 2 captions

The loop tokenises text by text; `..._tokenised_together` is beside one that hands them all over at once, as `encode` does. Each way is a
process of its own, as it would be at a user's, with an encoder from one checkpoint: `encode` also changes how its process keeps memory. The
forward pass and the tokeniser are the same, and every repeat has new texts, so that none finds tokens that it knows. Repeats alternate. The
embeddings must agree to 1e-5, or it fails.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unite.config.schema import TinyCheckpointConfig, WorldConfig
from unite.embedding import Embedder
from unite.encoder.tiny import build_tiny_checkpoint
from unite.encoder.vlm import VLMEncoder
from unite.types import Content
from unite.worlds.emoji import EmojiWorld

_BATCH_SIZE = 32
#: The most captions a text is made of, as a power of two.
_MOST = {"": 4, "_short": 1}


@torch.no_grad()
def embed_in_sorted_batches(encoder: VLMEncoder, texts: Sequence[str], together: bool = False) -> Tensor:
    """What a user would write around the encoder's forward pass; `together` tokenises all texts in one call."""
    processor, contents = encoder.eval().processor, [Content(text) for text in texts]
    encoded = processor.encode_texts(contents) if together else [processor.encode(content) for content in contents]
    order = sorted(range(len(texts)), key=lambda text: -encoded[text].num_tokens)
    embeddings = torch.empty(len(texts), encoder.dim)
    for start in range(0, len(order), _BATCH_SIZE):
        batch = order[start : start + _BATCH_SIZE]
        embeddings[batch] = encoder(processor.pad([encoded[text] for text in batch], batch))
    return embeddings


def made_of(captions: Sequence[str], count: int, most: int, chance: random.Random) -> list[str]:
    """Returns so many different texts of up to 2**most captions, their lengths spread evenly on a logarithmic scale."""
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[" ".join(chance.sample(captions, round(2 ** chance.uniform(0, most))))] = None
    return list(texts)


_loop: list[VLMEncoder] = []  # the encoder of a process that runs the loop


def _begin_loop(checkpoint: str) -> None:
    _loop.append(VLMEncoder(checkpoint, dtype="float32", gradient_checkpointing=False))


def _timed_loop(texts: Sequence[str], together: bool) -> tuple[float, NDArray[np.float32]]:
    start = time.perf_counter()
    embeddings = embed_in_sorted_batches(_loop[0], texts, together)
    return time.perf_counter() - start, embeddings.numpy()


def run(quick: bool) -> dict[str, float]:
    """Returns `embedding_vs_sorted_batches` (mixed) and `..._short`, medians of paired runs, `..._tokenised_together`, and the seconds.

    With `quick` a tenth of the texts and fewer repeats.
    """
    count, repeats = (120, 2) if quick else (1200, 7)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        world = EmojiWorld(WorldConfig(root=folder, num_train=1500, num_queries=16, num_candidates=32))
        world.prepare()
        captions = sorted(set(world.texts()))
        checkpoint = build_tiny_checkpoint(TinyCheckpointConfig(), folder, captions)
        embedder = Embedder(checkpoint, device="cpu", dtype="float32")
        spawn = multiprocessing.get_context("spawn")
        loops = {together: spawn.Pool(1, _begin_loop, (str(checkpoint),)) for together in ("", "_tokenised_together")}
        embedder.encode(captions[:40])
        for together, process in loops.items():
            process.apply(_timed_loop, (captions[:40], bool(together)))
        for key, most in _MOST.items():
            ours: list[float] = []
            plain: dict[str, list[float]] = {together: [] for together in loops}
            for repeat in range(repeats):
                texts = made_of(captions, count, most, random.Random(repeat))
                start = time.perf_counter()
                embeddings = embedder.encode(texts, convert_to_tensor=True)
                ours.append(time.perf_counter() - start)
                for together, process in loops.items():
                    seconds, expected = process.apply(_timed_loop, (texts, bool(together)))
                    plain[together].append(seconds)
                    np.testing.assert_allclose(embeddings.numpy(), expected, atol=1e-5, rtol=0)
            for together, times in plain.items():
                ratio = statistics.median(other / one for one, other in zip(ours, times, strict=True))
                figures |= {f"embedding_vs_sorted_batches{key}{together}": ratio, f"sorted_batches_seconds{key}{together}": min(times)}
            figures[f"embedding_seconds{key}"] = min(ours)
        for process in loops.values():
            process.terminate()
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer texts, for a smoke test")
    print(json.dumps(run(parser.parse_args().quick), indent=2))
