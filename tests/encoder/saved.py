"""Folders as others save them, and the embeddings of the plain models that they were saved from."""

import json
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from tests.encoder.families.material import encoder_of, micro_batch, mixed, plain_embeddings, reference


def copy_of(folder, target):
    return shutil.copytree(folder, target, dirs_exist_ok=True)


def with_weights(folder, change):
    """Rewrites the weights of a folder: `change` is given them by name and returns them."""
    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def with_json(folder, file, **changes):
    """Changes a JSON file of a folder; None takes an entry out."""
    told = json.loads((folder / file).read_text()) | changes
    (folder / file).write_text(json.dumps({name: value for name, value in told.items() if value is not None}))
    return folder


def whole_model(folder):
    """The model with its head, as it is trained by others."""
    return AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()


@torch.no_grad()
def expected_of(folder, body, *, sequential=False):
    """The embeddings by transformers: `folder` has the processor, `body` is the model without its head."""
    inputs = reference(folder, *mixed(folder))
    positions = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0).expand(3, -1, -1)
    return plain_embeddings(body, inputs, **({"position_ids": positions} if sequential else {}))


@torch.no_grad()
def embeddings_of(folder, **settings):
    """The embeddings by the encoder of a folder."""
    encoder = encoder_of(folder, **settings)
    contents, _ = mixed(settings.get("base") or folder)
    return encoder(micro_batch(encoder, contents))


def assert_equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
