"""What `python -m unite.plan` says of a step's memory, against the tensors that the step holds at once, in bfloat16 as on a GPU.

    python -m benchmarks.planned [--quick]

The same batch of the built-in mixture is counted, content by content, and run: whole training of the tiny encoder, all graphs kept and two
thousand tokens of them, and LoRA with gradient checkpointing and a frozen tower. Weights, gradients and the batch lie there before the step
on both sides; what is compared is what a step adds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import torch

from benchmarks.step import TOKEN_BUDGET, collated, our_step, prepare
from unite.config.schema import EncoderConfig, LoRAConfig
from unite.config.schema.plan import PlanConfig
from unite.encoder.families import attention
from unite.encoder.vlm import VLMEncoder
from unite.live import LiveBytes
from unite.planning.architectures import architecture_of
from unite.planning.contents import Contents
from unite.planning.counted import CountedModel
from unite.planning.devices import Device
from unite.planning.plan import plan_stage
from unite.types import Content, Modality

#: Of the plan: what a step adds to what lies there before it.
_OF_A_STEP = ("activations", "features", "embeddings")
_WHOLE: dict[str, Any] = {"adapter": None, "train_vision": True, "gradient_checkpointing": False}
_LORA: dict[str, Any] = {"adapter": LoRAConfig(r=8), "train_vision": False, "gradient_checkpointing": True}
#: Of each key: the encoder's options, and how many tokens' graphs are kept; None is all.
_CASES: dict[str, tuple[dict[str, Any], int | None]] = {
    "plan_memory_vs_measured": (_WHOLE, None),
    "plan_memory_vs_measured_cached": (_WHOLE, TOKEN_BUDGET),
    "plan_memory_vs_measured_with_lora": (_LORA, None),
}
#: Tokens that the encoder passes together on a CPU.
_AT_ONCE = 6144
#: How the tiny encoder reads contents, which its checkpoint does not say.
_SIZES = ("min_image_tokens", "max_image_tokens", "max_frame_pixels", "max_length")


def run(quick: bool) -> dict[str, float]:
    """Measures planned over measured bytes of a step."""
    size = 16 if quick else 256
    return {key: _planned(size, *case) / _measured(size, *case) for key, case in _CASES.items()}


def _encoder(options: dict[str, Any], size: int) -> tuple[VLMEncoder, list[Any]]:
    built, examples = prepare(size)
    sizes = {name: getattr(built.config, name) for name in _SIZES}
    encoder = VLMEncoder(str(built.config.path), dtype="bfloat16", **sizes, **options)
    encoder.add_adapter()
    return encoder.train(), examples


def _measured(size: int, options: dict[str, Any], graph_tokens: int | None) -> float:
    encoder, examples = _encoder(options, size)
    attention.MOST_KEYS = 0  # as on a GPU, where no kernel has scores
    with torch.autocast("cpu", torch.bfloat16):
        our_step(encoder, collated(encoder, examples[:2]), graph_tokens=1)  # gradients, which lie there before
        batch = collated(encoder, examples)
        with LiveBytes() as live:
            our_step(encoder, batch, graph_tokens=graph_tokens or 1 << 60)
    return float(live.peak)


def _planned(size: int, options: dict[str, Any], graph_tokens: int | None) -> float:
    encoder, examples = _encoder(options, size)
    architecture, family, _ = architecture_of(str(encoder.config.path))
    asked = {name: getattr(encoder.config, name) for name in ("adapter", "train_vision", "gradient_checkpointing")}
    config = EncoderConfig(path=str(encoder.config.path), **asked)
    model = CountedModel(architecture, family, config, torch.bfloat16)
    plan = plan_stage(
        "step",
        1,
        _contents(encoder, examples, is_one_pass=graph_tokens is None),
        model,
        Device(1e12, 1e12),
        PlanConfig(devices=1),
        graph_tokens=graph_tokens or 1 << 60,
        token_budget=TOKEN_BUDGET,
        optimizer="adamw",
        has_average=False,
        at_once=_AT_ONCE,
    )
    copies = model.dtype.itemsize * model.num_whole  # of autocast, which the plan counts among the weights
    return float(sum(plan.memory[name] for name in _OF_A_STEP) + copies)


def _contents(encoder: VLMEncoder, examples: list[Any], is_one_pass: bool) -> list[Contents]:
    """Returns the different contents of a batch, those of equal lengths together; one pass sees each medium once."""
    each: dict[int, Content] = {}
    for example in examples:
        for content in (example.query, *example.positives, *example.negatives):
            each.setdefault(content.fingerprint, content)
    counts: Counter[tuple[str, int, int, int]] = Counter()
    seen: set[int] = set()
    for content in each.values():
        tokens, visual, frames = _lengths(encoder, content)
        media = {medium.fingerprint for medium in content.media}
        counts[str(content.modality), tokens, visual, 0 if is_one_pass and media <= seen else frames] += 1
        seen |= media
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
