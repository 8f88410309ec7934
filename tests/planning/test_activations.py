"""The worst moment of a step: by hand, and against the tensors of real steps."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.encoder.checkpoints import tiny
from unite.config.schema import EncoderConfig, LoRAConfig, MAMCLConfig
from unite.data.collate import Collator
from unite.encoder.families import attention
from unite.encoder.vlm import VLMEncoder
from unite.live import LiveBytes
from unite.objective import MAMCL
from unite.planning.activations import Activations, Kind
from unite.planning.architectures import architecture_of
from unite.planning.counted import CountedModel, Pass
from unite.training.step import ContrastiveStep
from unite.types import Content, Example, Medium, Modality

WHOLE = {"adapter": None, "train_vision": True, "gradient_checkpointing": False}
LORA = {"adapter": LoRAConfig(r=2), "train_vision": False, "gradient_checkpointing": False}
CASES = {
    "all graphs": (32, WHOLE, 10**6),
    "cached": (64, WHOLE, 1),
    "lora": (32, LORA, 10**6),
    "lora, checkpointing": (64, LORA | {"gradient_checkpointing": True}, 10**6),
    "lora, checkpointing, cached": (32, LORA | {"gradient_checkpointing": True}, 1),
}
TOKEN_BUDGET = 1024


def test_the_worst_moment_by_hand():
    text, image = Kind(10, 200, None), Kind(50, 100, Pass(400, 1.0, 1.0, 1000.0, 9000.0))
    step = Activations(Pass(10, 1.0, 1.0, 80.0, 30.0), [text, image], token_budget=50)  # a token keeps 8 bytes and needs 3 beside
    assert step.of_step(300) == 300 * 8 + 1000 + (9000 - 300 * 8)  # one pass, and the tower's states before the language model's
    replayed = 50 * 8 + 500 + (4500 - 50 * 8)  # an image
    assert step.of_step(1) == replayed
    assert step.of_step(250) == 200 * 8 + 50 * 8 + 500 + (4500 - 50 * 8)  # all texts and an image are kept
    assert Activations(Pass(10, 1.0, 1.0, 80.0, 30.0), [text], 50, at_once=20).of_step(200) == 200 * 8 + 20 * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny(tmp_path_factory.mktemp("tiny")))


@pytest.mark.parametrize("case", CASES)
def test_a_step_takes_what_is_planned(folder, case, monkeypatch):
    """In bfloat16 and by torch's attention, as on a GPU: a CPU has other products in float32, and scores for a while in bfloat16."""
    monkeypatch.setattr(attention, "MOST_KEYS", 0)
    size, options, graph_tokens = CASES[case]
    encoder = VLMEncoder(folder, dtype="bfloat16", min_image_tokens=1, max_image_tokens=9, **options)
    encoder.add_adapter()
    encoder.train()
    batch = Collator(encoder.processor, TOKEN_BUDGET)(list(map(example, range(size))))
    step = ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), graph_tokens)
    with torch.autocast("cpu", torch.bfloat16):
        step(batch, torch.Tensor.backward)  # gradients lie there before
        with LiveBytes() as live:
            step(batch, torch.Tensor.backward)

    architecture, family, _ = architecture_of(folder)
    model = CountedModel(architecture, family, EncoderConfig(path=folder, **options), torch.bfloat16)
    patches = sum(len(micro.media["patches"]) for micro in batch.micro_batches if micro.media) // size
    lengths = sorted((encoder.processor.encode(content).num_tokens, bool(content.media)) for content in contents(size))
    texts = [length for length, has_media in lengths if not has_media]
    (pictured,) = {length for length, has_media in lengths if has_media}
    kinds = [Kind(round(sum(texts) / size), sum(texts), None), Kind(pictured, pictured * size, of_pictures(model, size, patches))]
    language = model.language(TOKEN_BUDGET // pictured, pictured)
    planned = Activations(language, kinds, TOKEN_BUDGET, at_once=6144).of_step(graph_tokens)
    copies = 2 * model.num_whole  # of autocast, counted among the weights
    assert planned + copies == pytest.approx(live.peak, rel=0.15)


def of_pictures(model, size, patches):
    together = min(size, 16)
    one = model.vision(together, patches, True)
    return replace(one, kept=one.kept * size / together, passing=one.passing * size / together)


def contents(size):
    return [content for row in range(size) for content in (example(row).query, *example(row).positives)]


def example(row):
    pixels = np.random.default_rng(row).integers(0, 256, (1, 84, 84, 3), np.uint8)
    picture = Content(media=(Medium(Modality.IMAGE, pixels, row + 1),))
    return Example(f"rows/{row}", "rows", Content(" ".join(["word"] * (row % 9)) + str(row)), (picture,))
