"""A tiny encoder, and contents for it."""

from dataclasses import fields

import numpy as np
import torch
from torch import nn

from unite.config.schema import LoRAConfig, ReadingConfig
from unite.encoder.vlm import VLMEncoder
from unite.types import Content, Medium, Modality

CAPS = {"dtype": "float32", "min_image_tokens": 1, "max_image_tokens": 16, "max_frame_pixels": 56 * 56, "max_length": 256}
ALL_TRAINED = {"adapter": None, "gradient_checkpointing": False}


def make(folder, **settings):
    torch.manual_seed(0)
    return VLMEncoder(str(folder), **CAPS | ALL_TRAINED | settings)


def image(seed):
    return Medium(Modality.IMAGE, np.random.default_rng(seed).integers(0, 255, (1, 56, 56, 3), dtype=np.uint8), seed)


CONTENTS = [Content("a red cat"), Content(media=(image(1),)), Content("the moon", (image(1),)), Content("above <|IMAGE|>", (image(2),))]


def batch_of(encoder, contents=CONTENTS):
    return encoder.processor.pad([encoder.processor.encode(content) for content in contents], range(len(contents)))


def loss_of(encoder, *features):
    embeddings = encoder(batch_of(encoder), *features)
    return (embeddings[0] * embeddings[1:].sum(0)).sum()


def how_it_reads(encoder):
    return {field.name: getattr(encoder.config, field.name) for field in fields(ReadingConfig)}


def trained(encoder):
    return {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}


def draw_adapter(encoder):
    """Gives an encoder its adapter, with weights that are not the zeros it begins with: a function of nothing but their order."""
    encoder.add_adapter()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1


def with_random_adapter(folder):
    encoder = make(folder, adapter=LoRAConfig(r=2, alpha=4, dropout=0.0))
    encoder.add_adapter()
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    return encoder
