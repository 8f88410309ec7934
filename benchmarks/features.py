"""Features of a frozen tower: what a bound on them saves and costs, and what keeping them on disk gains.

    python -m benchmarks.features [--quick]

The tiny encoder with LoRA and a frozen tower takes gradient-cached steps on one batch of the built-in mixture, in turn; ratios of medians.
Memory is not measured: at toy width the features are a hundredth of what a step takes. Tests count the bytes that are kept.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.loss import TEMPERATURE
from benchmarks.step import collated, in_turn, prepare
from unite.batch import Batch
from unite.build.features import with_stored_features
from unite.config.schema import FeatureCacheConfig, LoRAConfig, MAMCLConfig
from unite.encoder.features import ALL_KEPT, FeatureBound
from unite.encoder.vlm import VLMEncoder
from unite.objective import MAMCL
from unite.training.step import ContrastiveStep

#: How the tiny encoder reads contents, which its checkpoint does not say.
_SIZES = ("dtype", "min_image_tokens", "max_image_tokens", "max_frame_pixels", "max_length")


def run(quick: bool) -> dict[str, float]:
    """Measures ratios; keys as in experiments/performance/results.json."""
    size = 16 if quick else 256
    with tempfile.TemporaryDirectory() as folder:
        steps = {
            "kept": _prepared(size, ALL_KEPT),
            "again": _prepared(size, FeatureBound(0)),
            "stored": _prepared(size, ALL_KEPT, folder),
        }
        times = in_turn(steps, repeats=1 if quick else 5)
    return {
        "features_seen_again_time": times["again"] / times["kept"],
        "stored_features_step_speedup": times["kept"] / times["stored"],
    }


def _prepared(size: int, bound: FeatureBound, folder: str | None = None) -> Callable[[], object]:
    built, examples = prepare(size)
    encoder = _encoder(built, folder)
    step = _step(encoder, bound, collated(encoder, examples))
    if folder is not None:
        step()  # what is measured is an epoch after the first
        encoder.stored.flush()  # type: ignore[union-attr]
    return step


def _encoder(built: VLMEncoder, folder: str | None) -> VLMEncoder:
    given: dict[str, Any] = {name: getattr(built.config, name) for name in _SIZES}
    encoder = VLMEncoder(str(built.config.path), **given, adapter=LoRAConfig(r=8), train_vision=False, gradient_checkpointing=False)
    with_stored_features(FeatureCacheConfig(folder=folder), encoder, is_trained=True)
    encoder.add_adapter()
    return encoder.train()


def _step(encoder: VLMEncoder, bound: FeatureBound, batch: Batch) -> Callable[[], object]:
    step = ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=TEMPERATURE)), 1, bound)
    with torch.no_grad():
        encoder(batch.micro_batches[0])  # whatever is loaded once
    return lambda: step(batch, torch.Tensor.backward)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for key, value in run(parser.parse_args().quick).items():
        print(f"{key:32} {value:.4g}")
