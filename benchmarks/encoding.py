"""Evaluation in token-budget batches sorted by length, equal contents once, against fixed batches in file order.

    python -m benchmarks.encoding [--quick]

Two suites of the built-in world, on the tiny encoder with random weights, decoding and ranking included:

    emoji    its test tasks as they are: 33 to 63 tokens a content, alike within a task, a fifth of the contents there twice
    mixed    the same tasks in one shuffled pool of all modalities, with the lengths of real data: texts of 1 to 16 captions, images and
             clips of 1 to 3 times the size; 33 to 475 tokens

Repeats alternate. In float64 every metric of the two ways must agree to 1e-6, or it fails. In float32, as timed, scores of random
weights lie so close that the rounding of another batch size swaps a few neighbours in rank; the largest difference of a metric is among
the figures.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unite.config.schema import SuiteConfig, TinyCheckpointConfig, WorldConfig
from unite.config.schema.encoder import TinyArchitecture
from unite.config.schema.media import Decoding
from unite.embedding.embed import embed_contents
from unite.embedding.lazy import LazyContent, decoded
from unite.encoder.tiny import build_tiny_checkpoint
from unite.encoder.vlm import VLMEncoder
from unite.evaluation.results import SuiteResult
from unite.evaluation.suite import Embed, Suite
from unite.evaluation.tasks import RetrievalTask
from unite.types import Content, Medium, Modality, fingerprint
from unite.worlds.emoji import EmojiWorld

_BATCH_SIZE, _TOKEN_BUDGET = 32, 4096


@torch.no_grad()
def embed_in_file_order(encoder: VLMEncoder, contents: Sequence[Content | LazyContent], **_: Any) -> Tensor:
    """What a plain evaluation loop does: 32 at a time as they come, padded to the longest."""
    processor, batches = encoder.eval().processor, []
    for start in range(0, len(contents), _BATCH_SIZE):
        batch = [contents[at] for at in range(start, min(start + _BATCH_SIZE, len(contents)))]
        encoded = [processor.encode(decoded(one)) for one in batch]
        batches.append(encoder(processor.pad(encoded, range(len(encoded)))))
    return torch.cat(batches)


def mixed_task(tasks: dict[str, Path]) -> RetrievalTask:
    """Returns all tasks as one, shuffled, their contents made as unlike in length as those of real data."""
    chance = random.Random(0)
    sides: tuple[dict[str, Content], dict[str, Content]] = {}, {}
    relevance: dict[str, dict[str, int]] = {}
    made: dict[int, Content] = {}
    for name, folder in tasks.items():
        task = RetrievalTask.of_folder(folder, Decoding())
        for side, ids, contents in ((0, task.query_ids, task.queries), (1, task.candidate_ids, task.candidates)):
            for one, content in zip(ids, contents, strict=True):
                if content.fingerprint not in made:  # what was equal stays equal
                    made[content.fingerprint] = _lengthened(content.decode(), chance)  # type: ignore[union-attr]
                sides[side][f"{name}-{one}"] = made[content.fingerprint]
        relevance |= {
            f"{name}-{query}": {f"{name}-{one}": grade for one, grade in task.relevant[query].items()} for query in task.query_ids
        }
    (query_ids, queries), (candidate_ids, candidates) = (zip(*chance.sample(list(side.items()), len(side)), strict=True) for side in sides)
    everything = Modality.TEXT | Modality.IMAGE | Modality.VIDEO
    return RetrievalTask("mixed", query_ids, queries, candidate_ids, candidates, relevance, everything, everything)


def _lengthened(content: Content, chance: random.Random) -> Content:
    times = round(2 ** chance.uniform(0, 4)) if not content.media else 1
    return replace(content, text=" ".join([content.text] * times), media=tuple(_enlarged(one, chance) for one in content.media))


def _enlarged(medium: Medium, chance: random.Random) -> Medium:
    times = chance.randint(1, 3)
    return replace(
        medium, frames=medium.frames.repeat(times, axis=1).repeat(times, axis=2), fingerprint=fingerprint(str((medium.fingerprint, times)))
    )


def run(quick: bool) -> dict[str, float]:
    """Returns `encode_speedup_vs_file_order` (mixed) and `encode_speedup_vs_file_order_emoji`, medians of paired runs, with the seconds.

    With `quick` a quarter of the pool and fewer repeats.
    """
    sizes, repeats = ((32, 64), 3) if quick else ((128, 256), 5)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        world = EmojiWorld(WorldConfig(root=folder, num_train=256, num_queries=sizes[0], num_candidates=sizes[1]))
        world.prepare()
        checkpoint = str(build_tiny_checkpoint(TinyCheckpointConfig(architecture=TinyArchitecture.qwen2_vl), folder, world.texts()))
        encoder = VLMEncoder(checkpoint, dtype="float32", min_image_tokens=1, max_image_tokens=256, max_frame_pixels=252**2, max_length=512)
        tasks = {path.name: path for path in sorted((world.folder / "test").iterdir())}
        pairs = {name: path for name, path in tasks.items() if name not in ("spatial", "temporal")}
        for key, suite in (
            ("", Suite(SuiteConfig(name="mixed", tasks={"mixed": mixed_task(pairs)}, token_budget=_TOKEN_BUDGET))),
            ("_emoji", Suite(SuiteConfig(name="emoji", tasks=tasks, token_budget=_TOKEN_BUDGET))),
        ):
            exact = [suite.run(encoder.double(), embed=embed).metrics() for embed in (embed_contents, embed_in_file_order)]
            torch.testing.assert_close(exact[0], exact[1], atol=1e-6, rtol=0)
            encoder.float()
            ours, plain = [], []
            for _ in range(repeats):
                seconds, result = _timed(suite, encoder, embed_contents)
                ours.append(seconds)
                seconds, expected = _timed(suite, encoder, embed_in_file_order)
                plain.append(seconds)
            figures |= {
                f"encode_speedup_vs_file_order{key}": statistics.median(other / one for one, other in zip(ours, plain, strict=True)),
                f"encode_seconds{key}": min(ours),
                f"file_order_seconds{key}": min(plain),
                f"encode_metric_difference{key}": max(abs(value - expected.metrics()[name]) for name, value in result.metrics().items()),
            }
    return figures


def _timed(suite: Suite, encoder: VLMEncoder, embed: Embed) -> tuple[float, SuiteResult]:
    start = time.perf_counter()
    result = suite.run(encoder, embed=embed)
    return time.perf_counter() - start, result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller world, for a smoke test")
    print(json.dumps(run(parser.parse_args().quick), indent=2))
