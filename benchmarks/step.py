"""The contrastive step against a two-pass padded step, on the same weights and the same mixed batch of the built-in world.

    python -m benchmarks.step [--quick]

The two-pass step is what is usually written: queries and candidates are two padded batches, nothing is deduplicated, every activation is
kept, the loss is the dense masked matrix, and the model is transformers' own forward pass. Memory is the peak beyond what the process held
before the step, each in a process of its own (Linux).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from transformers import AutoModel

from benchmarks.loss import TEMPERATURE, dense_loss
from benchmarks.memory import peak_of
from unite.batch import Batch, MicroBatch, Relations
from unite.build.encoder import build_encoder
from unite.build.train import build_mixture
from unite.config.register import CONF, register
from unite.config.schema import MAMCLConfig, TrainConfig
from unite.data.packing import padded_share
from unite.objective import MAMCL
from unite.training.step import ContrastiveStep, count_tokens
from unite.types import Modality

TOKEN_BUDGET = 2048


def prepare(batch_size: int, token_budget: int = TOKEN_BUDGET, num_batches: int = 1) -> tuple[Any, Any]:
    """Returns the tiny encoder and the examples of the built-in mixture's first batches, one after the other."""
    from hydra import compose, initialize_config_dir

    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        # Of one encoder all along, so that figures of different commits can be compared.
        overrides = ["encoder=tiny_qwen2_vl", f"data.batch_size={batch_size}", f"data.token_budget={token_budget}"]
        config = cast(TrainConfig, compose("train", overrides))
    encoder = build_encoder(config, None).train()
    mixture = build_mixture(config.adaptation, config)
    mixture.prepare_data()
    rows = [row for step in range(num_batches) for row in mixture.order.batch(step)]
    return encoder, [mixture.sources[name].example(row) for name, row in rows]


def two_pass_inputs(encoder: Any, examples: list[Any]) -> tuple[MicroBatch, MicroBatch]:
    """Queries and positives, each one padded batch, equal contents as often as they come."""
    queries = [encoder.processor.encode(example.query) for example in examples]
    positives = [encoder.processor.encode(example.positives[0]) for example in examples]
    rows = range(len(examples))
    return encoder.processor.pad(queries, rows), encoder.processor.pad(positives, rows)


def plain_embeddings(model: Any, encoder: Any, micro: MicroBatch) -> Tensor:
    """Transformers' own forward pass, last token, unit length."""
    inputs: dict[str, Any] = {"mm_token_type_ids": micro.token_types}
    if micro.media:
        pixels, grids = encoder.family.pixels(micro.media["patches"]), micro.media["grids"]
        for modality, kind, pixels_key in ((Modality.IMAGE, "image", "pixel_values"), (Modality.VIDEO, "video", "pixel_values_videos")):
            ours = micro.media["modalities"] == modality.value
            if bool(ours.any()):
                inputs |= {pixels_key: pixels[ours.repeat_interleave(grids.prod(-1))], f"{kind}_grid_thw": grids[ours]}
    hidden = model(input_ids=micro.input_ids, attention_mask=micro.attention_mask, use_cache=False, **inputs).last_hidden_state
    last = micro.attention_mask.sum(1) - 1
    return torch.nn.functional.normalize(hidden[torch.arange(len(hidden)), last], dim=-1)


def two_pass_relations(examples: list[Any]) -> Relations:
    """Row i is query i and candidate B + i; equal contents point at the first of them, as a candidate counts once."""
    contents = [example.query for example in examples] + [example.positives[0] for example in examples]
    first: dict[int, int] = {}
    index = torch.tensor([first.setdefault(content.fingerprint, at) for at, content in enumerate(contents)])
    return Relations(
        query=index[: len(examples)],
        positive=index[len(examples) :, None],
        negative=torch.empty(len(examples), 0, dtype=torch.int64),
        modality=torch.tensor([content.modality.value for content in contents]),
        fingerprint=torch.tensor([content.fingerprint for content in contents]),
        identity=torch.tensor([content.identity for content in contents]),
    )


def two_pass_step(model: Any, encoder: Any, inputs: tuple[MicroBatch, MicroBatch], relations: Relations) -> Tensor:
    loss = dense_loss(torch.cat([plain_embeddings(model, encoder, micro) for micro in inputs]), relations)
    loss.backward()
    return loss.detach()


def our_step(encoder: Any, batch: Batch, graph_tokens: int) -> Tensor:
    return ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=TEMPERATURE)), graph_tokens)(batch, torch.Tensor.backward).loss


def collated(encoder: Any, examples: list[Any], token_budget: int = TOKEN_BUDGET) -> Batch:
    from unite.data.collate import Collator

    return Collator(encoder.processor, token_budget)(examples)


def _prepared_for_memory(batch_size: int) -> Callable[[], object]:
    """Returns a gradient-cached step of one micro-batch at a time."""
    encoder, examples = prepare(batch_size)
    our_step(encoder, collated(encoder, examples[:2]), graph_tokens=1)  # whatever is loaded once
    batch = collated(encoder, examples)
    return lambda: our_step(encoder, batch, graph_tokens=1)


def run(quick: bool) -> dict[str, float]:
    """Measures speed, padding, agreement and memory; keys as in experiments/performance/results.json."""
    small, large = (16, 64) if quick else (64, 1024)
    smaller = {} if quick else {size: _compare(size, repeats=1024 // size)["step_speedup_vs_two_pass"] for size in (64, 256)}
    return {
        **_compare(large, repeats=3),
        **{f"step_speedup_vs_two_pass_at_{size}": speedup for size, speedup in smaller.items()},
        "padded_share_at_32_at_most": _most_padding(32, num_batches=4 if quick else 60),
        "step_memory_1024_vs_64": peak_of(_prepared_for_memory, large) / peak_of(_prepared_for_memory, small),
    }


def _most_padding(batch_size: int, num_batches: int) -> float:
    """Returns the largest share of tokens that is padding in any batch."""
    encoder, examples = prepare(batch_size, num_batches=num_batches)
    batches = [collated(encoder, examples[start : start + batch_size]) for start in range(0, len(examples), batch_size)]
    counts = [count_tokens(batch.micro_batches) for batch in batches]
    return max(1 - int(real) / padded for real, padded in counts)


def _compare(batch_size: int, repeats: int) -> dict[str, float]:
    """Takes turns with the two steps; medians."""
    encoder, examples = prepare(batch_size)
    model = AutoModel.from_pretrained(encoder.model.name_or_path).train()
    inputs, relations, batch = two_pass_inputs(encoder, examples), two_pass_relations(examples), collated(encoder, examples)
    ours_loss, theirs_loss = our_step(encoder, batch, 10**9), two_pass_step(model, encoder, inputs, relations)
    gradient_error = _gradient_error(encoder, model)
    steps: dict[str, Callable[[], object]] = {
        "ours": lambda: our_step(encoder, batch, 10**9),
        "theirs": lambda: two_pass_step(model, encoder, inputs, relations),
    }
    times = in_turn(steps, repeats)
    ours, theirs = times["ours"], times["theirs"]
    real, padded = count_tokens(batch.micro_batches)
    lengths = [encoder.processor.encode(content).num_tokens for example in examples for content in (example.query, example.positives[0])]
    media = [name for micro in batch.micro_batches for name in micro.media_names]
    return {
        "step_speedup_vs_two_pass": theirs / ours,
        "step_samples_per_second": batch_size / ours,
        "step_samples_per_second_two_pass": batch_size / theirs,
        "step_loss_difference": float((ours_loss - theirs_loss).abs() / theirs_loss),
        "step_gradient_difference": gradient_error,
        "padded_share": 1 - int(real) / padded,
        "padded_share_two_pass": padded_share([range(0, 2 * batch_size, 2), range(1, 2 * batch_size, 2)], lengths),
        "unique_share": batch.relations.num_contents / (2 * batch_size),
        "unique_media_share": len(set(media)) / len(media),
    }


def in_turn(steps: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Takes turns with several ways of one step; their median seconds."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def _gradient_error(encoder: Any, model: Any) -> float:
    """Returns the largest difference of any gradient, relative to the largest gradient of its parameter; both have taken one step."""
    theirs = dict(model.named_parameters())
    errors = []
    for name, parameter in encoder.model.named_parameters():
        other = theirs[name]
        if parameter.grad is not None and other.grad is not None and float(other.grad.abs().max()) > 0:
            errors.append(float((parameter.grad - other.grad).abs().max() / other.grad.abs().max()))
    return max(errors)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for key, value in run(parser.parse_args().quick).items():
        print(f"{key:36} {value:.4g}")
