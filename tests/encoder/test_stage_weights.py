"""The types of what is trained, from a stage's beginning to its end. Adapters: `test_adapters.py`; what is trained: `test_trained.py`."""

import torch

from tests.encoder.material import make
from unite.config.schema import LoRAConfig


def test_what_is_trained_whole_is_float32_until_the_stage_ends(tiny_folder):
    encoder = make(tiny_folder, dtype="bfloat16")
    before = {name: parameter.clone() for name, parameter in encoder.named_parameters()}
    encoder.add_adapter()
    language = [parameter for name, parameter in encoder.named_parameters() if "language_model" in name]
    assert {parameter.dtype for parameter in language} == {torch.float32}
    assert {parameter.dtype for parameter in encoder.model.visual.parameters()} == {torch.bfloat16}  # it is not trained
    optimizer = torch.optim.AdamW(language, lr=1e-5)
    starts = [parameter.clone() for parameter in language]
    for parameter in language:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    moved = torch.cat([(parameter != start).flatten() for parameter, start in zip(language, starts, strict=True)])
    assert moved.float().mean() > 0.99  # of bfloat16 weights, few
    masters = {name: parameter.clone() for name, parameter in encoder.named_parameters()}
    encoder.merge_adapter()
    for name, parameter in encoder.named_parameters():
        assert parameter.dtype == torch.bfloat16 and torch.equal(parameter, masters[name].bfloat16())
    in_bfloat16 = [(before[name].float() - 1e-5).bfloat16() != before[name] for name in before if "language_model" in name]
    assert torch.cat([one.flatten() for one in in_bfloat16]).float().mean() < 0.5


def test_adapters_on_bfloat16_weights_are_float32_and_the_weights_stay(tiny_folder):
    encoder = make(tiny_folder, dtype="bfloat16", adapter=LoRAConfig(r=2))
    encoder.add_adapter()
    kinds = {(parameter.requires_grad, parameter.dtype) for parameter in encoder.parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}
    encoder.merge_adapter()
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.bfloat16}
