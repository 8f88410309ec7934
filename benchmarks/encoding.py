"""Evaluating the built-in suite: token-budget batches sorted by length, equal contents once, against fixed batches in file order.

    python -m benchmarks.encoding [--quick]

Both run the same suite on the same encoder (tiny, random weights), decoding and ranking included, in alternating repeats; every metric of
the two must agree to 1e-6, or it fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unite.curation.emoji_world import EmojiWorld
from unite.encoder import VLMEncoder, build_tiny_checkpoint
from unite.evaluation.embed import embed_contents
from unite.evaluation.results import SuiteResult
from unite.evaluation.suite import Embed, Suite
from unite.types import Content

_BATCH_SIZE = 32


@torch.no_grad()
def embed_in_file_order(encoder: VLMEncoder, contents: Sequence[Content], **_: Any) -> Tensor:
    """What a plain evaluation loop does: 32 at a time as they come, padded to the longest."""
    processor, batches = encoder.eval().processor, []
    for start in range(0, len(contents), _BATCH_SIZE):
        encoded = [processor.encode(contents[at]) for at in range(start, min(start + _BATCH_SIZE, len(contents)))]
        batches.append(encoder(processor.pad(encoded, range(len(encoded)))))
    return torch.cat(batches)


def run(quick: bool) -> dict[str, float]:
    """Returns `encode_speedup_vs_file_order` (the median ratio of paired runs) and the seconds of both; `quick`: a quarter of the pool."""
    sizes, repeats = ((32, 64), 3) if quick else ((128, 256), 5)
    with tempfile.TemporaryDirectory() as folder:
        world = EmojiWorld(folder, num_train=256, num_queries=sizes[0], num_candidates=sizes[1])
        world.prepare()
        checkpoint = build_tiny_checkpoint(folder, world.texts())
        encoder = VLMEncoder(
            str(checkpoint), dtype="float32", min_image_tokens=1, max_image_tokens=64, max_frame_pixels=7056, max_length=256
        )
        tasks = {path.name: path for path in sorted((world.folder / "test").iterdir())}
        suite = Suite("emoji", tasks)
        ours, plain = [], []
        for _ in range(repeats):
            seconds, result = _timed(suite, encoder, embed_contents)
            ours.append(seconds)
            seconds, expected = _timed(suite, encoder, embed_in_file_order)
            plain.append(seconds)
            torch.testing.assert_close(result.metrics(), expected.metrics(), atol=1e-6, rtol=0)
    return {
        "encode_speedup_vs_file_order": statistics.median(other / one for one, other in zip(ours, plain, strict=True)),
        "encode_seconds": min(ours),
        "file_order_seconds": min(plain),
    }


def _timed(suite: Suite, encoder: VLMEncoder, embed: Embed) -> tuple[float, SuiteResult]:
    start = time.perf_counter()
    result = suite.run(encoder, embed=embed)
    return time.perf_counter() - start, result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller world, for a smoke test")
    print(json.dumps(run(parser.parse_args().quick), indent=2))
