"""Adapters: where they are, and that merging them changes nothing."""

import pytest
import torch
from torch import nn

from tests.encoder.material import batch_of, loss_of, make, trained, with_random_adapter
from unite.config.schema import LoRAConfig
from unite.errors import CheckpointError


def test_lora_is_on_the_linear_layers_of_the_language_model_alone(tiny_folder):
    encoder = make(tiny_folder, adapter=LoRAConfig(r=2, alpha=4, dropout=0.0))
    assert trained(encoder) == set()
    linears = {name for name, module in encoder.model.language_model.named_modules() if isinstance(module, nn.Linear)}
    encoder.add_adapter()
    adapted = {name.split(".lora_")[0].removeprefix("model.language_model.base_model.model.") for name in trained(encoder)}
    assert adapted == linears
    assert all(".lora_" in name for name in trained(encoder))
    loss_of(encoder).backward()
    assert {name for name, parameter in encoder.named_parameters() if parameter.grad is not None} == trained(encoder)


def test_merging_keeps_the_embeddings_and_another_adapter_can_follow(tiny_folder):
    encoder = with_random_adapter(tiny_folder)
    before = encoder(batch_of(encoder)).detach()
    assert (before - make(tiny_folder)(batch_of(encoder))).abs().max() > 1e-3
    with pytest.raises(CheckpointError, match="adapter must be merged before another adapter is added"):
        encoder.add_adapter()
    encoder.merge_adapter()
    torch.testing.assert_close(encoder(batch_of(encoder)), before, rtol=1e-5, atol=1e-5)
    assert set(encoder.state_dict()) == set(make(tiny_folder).state_dict())
    encoder.add_adapter()
    torch.testing.assert_close(encoder(batch_of(encoder)), before, rtol=1e-5, atol=1e-5)  # a new adapter starts at zero
    assert all(".lora_" in name for name in trained(encoder))
