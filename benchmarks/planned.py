"""What `python -m unite.plan` says of a step's memory, against the peak that the step reaches (Linux, float32, one thread).

    python -m benchmarks.planned [--quick]

The same batch of the built-in mixture is counted, content by content, and run, each time in a process of its own: whole training of the
tiny encoder, all graphs kept and two thousand tokens of them, and LoRA with gradient checkpointing and a frozen tower. Weights, gradients
and the batch lie there before the step on both sides; what is compared is what a step adds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.memory import peak_of
from benchmarks.step import TOKEN_BUDGET, collated, our_step, prepare
from unite.config.schema import EncoderConfig, LoRAConfig
from unite.config.schema.plan import PlanConfig
from unite.encoder.vlm import VLMEncoder
from unite.planning.architectures import architecture_of
from unite.planning.contents import Contents
from unite.planning.counted import CountedModel
from unite.planning.devices import Device
from unite.planning.plan import plan_stage
from unite.types import Content, Modality

#: Of the plan: what a step adds to what lies there before it.
_OF_A_STEP = ("activations", "features", "embeddings")
_LORA: dict[str, Any] = {"adapter": LoRAConfig(r=8), "train_vision": False, "gradient_checkpointing": True}
#: Of each key: the encoder's options, and how many tokens' graphs are kept; None is all.
_CASES: dict[str, tuple[dict[str, Any], int | None]] = {
    "plan_memory_vs_measured": ({}, None),
    "plan_memory_vs_measured_cached": ({}, TOKEN_BUDGET),
    "plan_memory_vs_measured_with_lora": (_LORA, None),
}
#: How the tiny encoder reads contents, which its checkpoint does not say.
_SIZES = ("dtype", "min_image_tokens", "max_image_tokens", "max_frame_pixels", "max_length")


def run(quick: bool) -> dict[str, float]:
    """Measures planned over measured bytes of a step."""
    size = 16 if quick else 256
    return {key: _planned(size, *case) / (1024 * 1024 * peak_of(_prepared, size, *case)) for key, case in _CASES.items()}


def _encoder(options: dict[str, Any], size: int) -> tuple[VLMEncoder, list[Any]]:
    built, examples = prepare(size)
    if options:
        built = VLMEncoder(str(built.config.path), **{name: getattr(built.config, name) for name in _SIZES}, **options)
        built.add_adapter()
    return built.train(), examples


def _prepared(size: int, options: dict[str, Any], graph_tokens: int | None) -> Callable[[], object]:
    encoder, examples = _encoder(options, size)
    our_step(encoder, collated(encoder, examples[:2]), graph_tokens=1)  # whatever is loaded once, and the gradients
    batch = collated(encoder, examples)
    return lambda: our_step(encoder, batch, graph_tokens=graph_tokens or 1 << 60)


def _planned(size: int, options: dict[str, Any], graph_tokens: int | None) -> float:
    encoder, examples = _encoder(options, size)
    architecture, family, _ = architecture_of(str(encoder.config.path))
    asked = {name: getattr(encoder.config, name) for name in ("adapter", "train_vision", "gradient_checkpointing")}
    config = EncoderConfig(path=str(encoder.config.path), **asked)
    plan = plan_stage(
        "step",
        1,
        _contents(encoder, examples),
        CountedModel(architecture, family, config, torch.float32),
        Device(1e12, 1e12),
        PlanConfig(devices=1),
        graph_tokens=graph_tokens or 1 << 60,
        token_budget=TOKEN_BUDGET,
        optimizer="adamw",
        has_average=False,
    )
    return sum(plan.memory[name] for name in _OF_A_STEP)


def _contents(encoder: VLMEncoder, examples: list[Any]) -> list[Contents]:
    """Returns the different contents of a batch, those of equal lengths together."""
    each: dict[int, Content] = {}
    for example in examples:
        for content in (example.query, *example.positives, *example.negatives):
            each.setdefault(content.fingerprint, content)
    counts = Counter((str(content.modality), *_lengths(encoder, content)) for content in each.values())
    return [Contents(kind, number, tokens, visual, frames) for (kind, tokens, visual, frames), number in counts.items()]


def _lengths(encoder: VLMEncoder, content: Content) -> tuple[int, int, int]:
    encoded = encoder.processor.encode(content)
    visual = int((encoded.token_types > 0).sum())
    frames = sum(len(medium.frames) if medium.modality is Modality.VIDEO else 1 for medium in content.media)
    return len(encoded.input_ids), visual, frames


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print(run(parser.parse_args().quick))
