"""What is trained: by hand-written rules on names, and nothing else gets a gradient."""

import pytest
from torch import nn

from tests.encoder.material import loss_of, make, trained
from unite.config.schema import LoRAConfig
from unite.errors import ConfigError


def of(encoder, *begins):
    return {name for name, _ in encoder.named_parameters() if name.startswith(tuple(f"model.{begin}" for begin in begins))}


@pytest.mark.parametrize(
    ("options", "whole"),
    [
        ({"frozen": ["embed_tokens"]}, lambda encoder: of(encoder, "language_model") - of(encoder, "language_model.embed_tokens")),
        ({"frozen": ["vision"], "train_vision": True}, lambda encoder: of(encoder, "language_model", "visual.merger")),
        ({"frozen": ["language"], "train_vision": True}, lambda encoder: of(encoder, "visual")),
        ({"frozen": ["layers.0", "merger"]}, lambda encoder: of(encoder, "language_model") - of(encoder, "language_model.layers.0.")),
        ({"frozen": ["*.weight"], "train_vision": True}, lambda encoder: {name for name in of(encoder, "visual") if name.endswith("bias")}),
    ],
)
def test_what_is_frozen_by_name_gets_no_gradient_and_all_else_does(tiny_folder, options, whole):
    encoder = make(tiny_folder, **options)
    encoder.add_adapter()
    loss_of(encoder).backward()
    assert trained(encoder) == whole(encoder) != set()
    assert {name for name, parameter in encoder.named_parameters() if parameter.grad is not None} == whole(encoder)


def test_the_merger_is_trained_whole_beside_adapters_and_stays_so_in_the_next_stage(tiny_folder):
    encoder = make(tiny_folder, adapter=LoRAConfig(r=2), train_vision=True, frozen=["vision", "layers.1"])
    for _ in range(2):
        encoder.add_adapter()
        loss_of(encoder).backward()
        adapters = {name for name in trained(encoder) if ".lora_" in name}
        assert trained(encoder) - adapters == of(encoder, "visual.merger")
        assert adapters and all("language_model.base_model.model.layers.0." in name for name in adapters)  # what is frozen has none
        encoder.merge_adapter()


def test_a_layer_with_an_adapter_is_trained_by_it_alone(tiny_folder):
    encoder = make(tiny_folder, adapter=LoRAConfig(r=2, targets=["visual.blocks.*.mlp"]), train_vision=True)
    encoder.add_adapter()
    loss_of(encoder).backward()
    adapters = {name for name in trained(encoder) if ".lora_" in name}
    of_adapted = {name for name in of(encoder, "visual.base_model.model.blocks") if ".base_layer." in name}
    assert len(adapters) == 4 and len(of_adapted) == 4  # two layers with a weight and a bias
    assert trained(encoder) == of(encoder, "visual") - of_adapted
    assert {name for name, parameter in encoder.named_parameters() if parameter.grad is not None} == trained(encoder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frozen": ["*"]}, r"encoder.frozen must be a part of what is trained, but is \['\*'\]. Nothing would be trained: name less"),
        ({"frozen": ["language"], "adapter": LoRAConfig()}, "encoder.frozen must be a part of what is trained"),
        ({"frozen": ["language"]}, "encoder.frozen must be a part of what is trained"),
        (
            {"frozen": ["headd"]},
            "encoder.frozen must be one of language, language_model.embed_tokens, .*, merger, vision, .* but is 'headd'",
        ),
        (
            {"adapter": LoRAConfig(targets=["q_porj"])},
            r"adapter.targets must be one of language, language_model.layers.\*.mlp.down_proj, .*, but is 'q_porj'. A name may be a pat",
        ),
        ({"adapter": LoRAConfig(targets=["norm"])}, "encoder.adapter.targets must be one of .* but is 'norm'"),  # no linear layer
    ],
)
def test_what_cannot_be_meant_is_refused(tiny_folder, options, message):
    with pytest.raises(ConfigError, match=message):
        make(tiny_folder, **options)


def test_a_stage_freezes_for_itself(tiny_folder):
    """A projector first, the language model's adapters in the next stage, the tower in neither."""
    encoder = make(tiny_folder, adapter=LoRAConfig(targets=["language"]), train_vision=True, frozen=["vision"])
    encoder.add_adapter(["language"])
    loss_of(encoder).backward()
    assert trained(encoder) == of(encoder, "visual.merger")
    assert {name for name, parameter in encoder.named_parameters() if parameter.grad is not None} == of(encoder, "visual.merger")
    encoder.merge_adapter()
    encoder.add_adapter()
    adapters = {name for name in trained(encoder) if ".lora_" in name}
    assert trained(encoder) - adapters == of(encoder, "visual.merger")
    assert len(adapters) == 2 * 2 * 7  # both matrices, layers, linear layers of each
    encoder.merge_adapter()
    with pytest.raises(ConfigError, match="Nothing would be trained"):
        encoder.add_adapter(["language", "merger"])


def test_adapters_need_a_target():
    with pytest.raises(ConfigError, match="encoder.adapter.targets must be at least one part or name, but is .*encoder.adapter=null"):
        LoRAConfig(targets=[])


def test_it_is_told_by_part(tiny_folder):
    encoder = make(tiny_folder, adapter=LoRAConfig(targets=["language", "q*"]), train_vision=True, frozen=["visual.blocks", "layers.1"])
    linears = [
        name
        for name, module in encoder.model.named_modules()
        if isinstance(module, nn.Linear) and name.startswith("language_model.layers.0")
    ]
    merger = [name for name, _ in encoder.model.named_parameters() if "merger" in name]
    tower = [name for name, _ in encoder.model.named_parameters() if name.startswith(("visual.patch_embed", "visual.pos_embed"))]
    told = encoder.trained.told(encoder.family)
    assert (
        told == f"adapters on {len(linears)} layers (language), {len(merger)} whole tensors (merger), {len(tower)} whole tensors (vision)"
    )
