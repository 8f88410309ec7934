"""Adapters: where they are, and that merging them changes nothing."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import AutoModel, AutoTokenizer

from tests.encoder.checkpoints import save_family
from tests.encoder.material import batch_of, loss_of, make, trained, with_random_adapter
from unite.config.schema import LoRAConfig
from unite.errors import CheckpointError


@pytest.fixture(scope="module")
def deep_folder(tiny_folder, tmp_path_factory):
    """A Qwen3-VL checkpoint with deepstack, which has several mergers."""
    return save_family("qwen3_vl", tmp_path_factory.mktemp("deep"), AutoTokenizer.from_pretrained(tiny_folder))


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


def adapted(model):
    return {name for name, module in model.named_modules() if isinstance(module, LoraLayer)}


@pytest.mark.parametrize(
    ("targets", "by_peft"),
    [
        (["language", "vision", "merger"], "all-linear"),
        (["q_proj", "v_proj"], ["q_proj", "v_proj"]),
        (["layers.1.self_attn.*", "qkv"], r".*layers\.1\.self_attn\..*_proj|.*\.qkv"),
        (["merger"], r"visual\.(merger|deepstack_merger_list\.\d+)\.linear_fc\d"),
        (["vision"], r"visual\.blocks\..*\.(qkv|proj|linear_fc1|linear_fc2)"),
    ],
)
def test_parts_and_patterns_are_the_layers_that_peft_adapts(deep_folder, targets, by_peft):
    encoder = make(deep_folder, adapter=LoRAConfig(r=2, targets=targets))
    encoder.add_adapter()
    found = {name.replace("base_model.model.", "") for name in adapted(encoder.model)}
    assert found == adapted(
        get_peft_model(AutoModel.from_pretrained(deep_folder), LoraConfig(r=2, target_modules=by_peft)).base_model.model
    )


def test_adapters_everywhere_begin_at_nothing_are_trained_and_merge(deep_folder):
    encoder = make(deep_folder, adapter=LoRAConfig(r=2, dropout=0.0, targets=["language", "vision", "merger"]))
    plain = encoder(batch_of(encoder)).detach()
    encoder.add_adapter()
    assert not encoder.vision_is_frozen
    torch.testing.assert_close(encoder(batch_of(encoder)), plain, rtol=1e-5, atol=1e-5)
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    loss_of(encoder).backward()
    assert {name for name, parameter in encoder.named_parameters() if parameter.grad is not None} == trained(encoder)
    moved = encoder(batch_of(encoder)).detach()
    assert (moved - plain).abs().max() > 1e-3
    encoder.merge_adapter()
    torch.testing.assert_close(encoder(batch_of(encoder)), moved, rtol=1e-5, atol=1e-5)
    assert set(encoder.state_dict()) == set(make(deep_folder).state_dict())
