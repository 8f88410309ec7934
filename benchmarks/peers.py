"""The contrastive step against sentence-transformers' cached loss: the same checkpoint, pairs and pixels, from Pillow images to gradients.

    python -m benchmarks.peers [--quick]

Theirs is `CachedMultipleNegativesRankingLoss` with mini-batches of 32 over `Transformer`, last-token `Pooling` and `Normalize`, as its
documentation has it; ours is the collator and the step as a run uses them. Both tokenise, cut patches, embed and go back; neither has an
optimizer here, since it would be the same. A caption is the query and its picture the positive, so both losses are one cross-entropy over
the pictures of the batch. Loss and gradients must agree first, or it fails.

Full training, and the paper's recipe (LoRA on the language model, vision frozen; keys that end in `_lora`).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers import AutoModel

from benchmarks.loss import TEMPERATURE
from benchmarks.memory import peak_of
from unite.build.encoder import build_encoder
from unite.build.train import build_mixture
from unite.config.register import CONF, register
from unite.config.schema import MAMCLConfig, TrainConfig
from unite.data.collate import Collator
from unite.encoder.adapters import add_lora
from unite.objective import MAMCL
from unite.training.step import ContrastiveStep
from unite.types import Content, Example, Medium, Modality, fingerprint

MINI_BATCH = 32
#: All graphs are kept, as a run keeps them that has the memory; `auto` keeps none in its first step, which memory is measured of.
GRAPH_TOKENS = 1_000_000
#: UNITE's prompt of a caption or a picture.
TEMPLATE = (
    "{% for message in messages %}<|im_start|>user{{ '\n' }}{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{{ '\n' }}"
    "Summary above {% if part['type'] == 'image' %}image{% else %}sentence{% endif %} in one word:{% endfor %}<|im_end|>{{ '\n' }}"
    "{% endfor %}<|im_start|>assistant{{ '\n' }}<|endoftext|>"
)


@dataclass(frozen=True)
class Pairs:
    """Captions and their pictures, all different."""

    captions: list[str]
    pictures: list[Image.Image]


def prepare(batch_size: int, lora: bool) -> tuple[Any, TrainConfig, Pairs]:
    """Returns our encoder, its options and the first pairs of the built-in world."""
    from hydra import compose, initialize_config_dir

    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        adapter = ["+adapter@encoder.adapter=lora", "encoder.adapter.dropout=0", "encoder.train_vision=false"] if lora else []
        config = cast(TrainConfig, compose("train", ["encoder=tiny_qwen2_vl", *adapter]))
    encoder = build_encoder(config, None).train()
    encoder.add_adapter()
    torch.manual_seed(0)
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    mixture = build_mixture(config.adaptation, config)
    mixture.prepare_data()
    rows = mixture.sources["t2i"]
    pairs: dict[int, tuple[str, Image.Image]] = {}
    seen: set[int] = set()
    for row in range(min(8 * batch_size, len(rows.reader))):
        query, positive = (example := rows.example(row)).query, example.positives[0]
        if len(pairs) < batch_size and not seen & {query.fingerprint, positive.fingerprint}:
            seen |= {query.fingerprint, positive.fingerprint}
            pairs[row] = query.text, Image.fromarray(positive.media[0].frames[0])
    return encoder, config, Pairs([text for text, _ in pairs.values()], [picture for _, picture in pairs.values()])


def our_step(encoder: Any, config: TrainConfig, pairs: Pairs) -> Callable[[], Tensor]:
    """Returns what computes loss and gradients of our step, data included."""
    collator = Collator(encoder.processor, config.data.token_budget)
    step = ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=TEMPERATURE)), GRAPH_TOKENS)

    def run() -> Tensor:
        encoder.zero_grad(set_to_none=True)
        examples = [
            Example(f"pairs/{row}", "pairs", Content(caption), (Content(media=(_medium(picture),)),))
            for row, (caption, picture) in enumerate(zip(pairs.captions, pairs.pictures, strict=True))
        ]
        return step(collator(examples), torch.Tensor.backward).loss

    return run


def their_step(encoder: Any, config: TrainConfig, pairs: Pairs, lora: bool) -> tuple[nn.Module, Callable[[], Tensor]]:
    """Returns sentence-transformers' model, with the weights of our encoder, and what computes its loss and gradients, data included."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    transformer = Transformer(encoder.model.name_or_path)
    transformer.processor.chat_template = TEMPLATE
    transformer.model = model = AutoModel.from_pretrained(encoder.model.name_or_path)
    if lora:
        model.requires_grad_(False)
        linear = [name for name, part in model.language_model.named_modules() if isinstance(part, nn.Linear)]
        model.language_model = add_lora(model.language_model, config.encoder.adapter, linear)
    model.load_state_dict(encoder.model.state_dict())
    theirs = SentenceTransformer(modules=[transformer, Pooling(encoder.dim, "lasttoken"), Normalize()]).train()
    loss = CachedMultipleNegativesRankingLoss(theirs, scale=1 / TEMPERATURE, mini_batch_size=MINI_BATCH)

    def run() -> Tensor:
        theirs.zero_grad(set_to_none=True)
        value: Tensor = loss([theirs.preprocess(pairs.captions), theirs.preprocess(pairs.pictures)], None)
        value.backward()
        return value.detach()

    return model, run


def compare(batch_size: int, lora: bool, repeats: int) -> dict[str, float]:
    """Takes turns with the two; medians."""
    encoder, config, pairs = prepare(batch_size, lora)
    ours = our_step(encoder, config, pairs)
    model, theirs = their_step(encoder, config, pairs, lora)
    loss_difference = abs(float(ours() / theirs()) - 1)
    gradient_difference = _difference(encoder.model, model)
    if loss_difference > 1e-5 or gradient_difference > 1e-4:
        raise RuntimeError(f"the two do other work: loss {loss_difference:.1e}, gradient {gradient_difference:.1e}")
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(repeats):
        for name, step in (("ours", ours), ("theirs", theirs)):
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    suffix = f"at_{batch_size}{'_lora' if lora else ''}"
    return {
        f"step_speedup_vs_sentence_transformers_{suffix}": statistics.median(times["theirs"]) / statistics.median(times["ours"]),
        f"step_gradient_difference_vs_sentence_transformers_{suffix}": gradient_difference,
        f"step_memory_vs_sentence_transformers_{suffix}": peak_of(_ours, batch_size, lora) / peak_of(_theirs, batch_size, lora),
    }


def run(quick: bool) -> dict[str, float]:
    """Measures both recipes at each batch size; keys as in experiments/performance/results.json."""
    figures: dict[str, float] = {}
    for lora in (False, True):
        for batch_size in (16,) if quick else (64, 256, 1024):
            figures |= compare(batch_size, lora, repeats=5)
    return figures


def _ours(batch_size: int, lora: bool) -> Callable[[], object]:
    encoder, config, pairs = prepare(batch_size, lora)
    our_step(encoder, config, Pairs(pairs.captions[:2], pairs.pictures[:2]))()  # whatever is loaded once
    return our_step(encoder, config, pairs)


def _theirs(batch_size: int, lora: bool) -> Callable[[], object]:
    encoder, config, pairs = prepare(batch_size, lora)
    their_step(encoder, config, Pairs(pairs.captions[:2], pairs.pictures[:2]), lora)[1]()
    return their_step(encoder, config, pairs, lora)[1]


def _medium(picture: Image.Image) -> Medium:
    pixels = np.asarray(picture)[None]
    return Medium(Modality.IMAGE, pixels, fingerprint(pixels.tobytes()))


def _difference(ours: nn.Module, theirs: nn.Module) -> float:
    """Returns the norm of the difference of all gradients, relative to theirs."""
    other = {name: parameter.grad for name, parameter in theirs.named_parameters() if parameter.grad is not None}
    mine = {name: parameter.grad for name, parameter in ours.named_parameters() if parameter.grad is not None}
    if set(other) != set(mine):
        raise RuntimeError(f"the two train other weights: {sorted(set(other) ^ set(mine))[:3]}")
    squares = [((mine[name] - gradient).square().sum(), gradient.square().sum()) for name, gradient in other.items()]
    return float((sum(one for one, _ in squares) / sum(one for _, one in squares)) ** 0.5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for key, value in run(parser.parse_args().quick).items():
        print(f"{key:60} {value:.4g}")
