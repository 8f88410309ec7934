"""Weights in 4 bits under adapters. What bitsandbytes itself does is tested where it is installed: it is an extra."""

import logging
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.encoder.material import batch_of, loss_of, make
from unite.config.schema import LoRAConfig, TinyCheckpointConfig
from unite.encoder.quantised import Quantised, import_bitsandbytes
from unite.encoder.tiny import build_tiny_checkpoint
from unite.errors import ConfigError

ADAPTER = LoRAConfig(r=4, dropout=0.0)


def test_without_bitsandbytes_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    message = r"encoder.quantization=nf4 needs bitsandbytes, .*: pip install 'unite\[bitsandbytes\]'. encoder.quantization=null keeps"
    with pytest.raises(ConfigError, match=message):
        import_bitsandbytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quantization": "nf4"}, r"encoder.quantization must be null without an adapter, but is 'nf4'. .*adapter@encoder.adapter=lora"),
        ({"quantization": "nf3", "adapter": ADAPTER}, r"encoder.quantization must be one of nf4, null, but is 'nf3'"),
    ],
)
def test_options_that_mean_nothing_are_refused(tiny_folder, settings, message):
    with pytest.raises(ConfigError, match=message):
        make(tiny_folder, **settings)


def test_layers_get_their_weights_back_as_bitsandbytes_rounds_them_with_what_the_adapter_adds():
    functional = pytest.importorskip("bitsandbytes").functional
    torch.manual_seed(0)
    model = nn.ModuleDict({"a": nn.Linear(128, 64), "b": nn.Linear(64, 128, bias=False), "c": nn.Linear(64, 64)})
    before = {name: layer.weight.detach().clone() for name, layer in model.items()}
    layers, bias = dict(model.items()), model["a"].bias.detach().clone()
    held = Quantised(model, ["a", "b"], torch.float32)
    assert [type(layer).__name__ for layer in model.values()] == ["Linear4bit", "Linear4bit", "Linear"]
    assert model["a"].weight.numel() == 128 * 64 // 2 and model["a"].weight.element_size() == 1
    inputs = torch.randn(3, 128)
    rounded = {
        name: functional.dequantize_4bit(*functional.quantize_4bit(before[name], quant_type="nf4", compress_statistics=True))
        for name in "ab"
    }
    torch.testing.assert_close(model["a"](inputs), inputs @ rounded["a"].T + bias, rtol=1e-4, atol=1e-4)
    update = torch.randn(128, 64)
    held.restore(model, {"b": update}, torch.float32)
    assert dict(model.items()) == layers
    torch.testing.assert_close(model["a"].weight, rounded["a"])
    torch.testing.assert_close(model["b"].weight, rounded["b"] + update)
    assert torch.equal(model["c"].weight, before["c"]) and torch.equal(model["a"].bias, bias)


@pytest.mark.parametrize(
    ("dtype", "targets"), [("float32", ["language"]), ("bfloat16", ["language"]), ("float32", ["language", "merger", "vision"])]
)
def test_an_encoder_is_exported_as_it_was_trained(tmp_path, caplog, dtype, targets):
    pytest.importorskip("bitsandbytes")
    sizes = TinyCheckpointConfig(hidden_size=96, num_layers=2, num_heads=2, vision_hidden_size=32, vision_num_layers=1, vocab_size=300)
    folder = build_tiny_checkpoint(sizes, tmp_path, ["a cat"])
    encoder = make(folder, adapter=replace(ADAPTER, targets=targets), quantization="nf4", dtype=dtype)
    with caplog.at_level(logging.INFO):
        encoder.add_adapter()
    assert "14 layers hold their weights in NF4" in caplog.text and "rounds them by" in caplog.text
    assert {parameter.dtype for name, parameter in encoder.named_parameters() if "lora" in name} == {torch.float32}
    encoder.train()
    loss_of(encoder).backward()
    trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    assert (len(trained) == 28) == (targets == ["language"]) and all(parameter.grad is not None for parameter in trained)
    with torch.no_grad():
        for parameter in trained:
            parameter += 0.05 * torch.randn_like(parameter)
        as_trained = encoder.eval()(batch_of(encoder))
        encoder.merge_adapter()
        merged = encoder(batch_of(encoder))
        encoder.save(tmp_path / "out")
        again = make(tmp_path / "out", dtype=dtype)
        saved = again.eval()(batch_of(again))
    assert not any("4bit" in type(module).__name__ for module in encoder.modules())
    assert {parameter.dtype for parameter in encoder.parameters()} == {getattr(torch, dtype)}
    assert torch.equal(saved, merged)
    near = 1e-5 if dtype == "float32" else 0.05
    torch.testing.assert_close(merged, as_trained, rtol=0, atol=near)
    encoder.add_adapter()  # of the next stage: rounded anew
    assert any("4bit" in type(module).__name__ for module in encoder.modules())
