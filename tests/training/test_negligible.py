"""Contents that are not passed a second time: which, and what the gradient loses by it."""

from types import SimpleNamespace

import pytest
import torch
from transformers import AutoTokenizer

from tests.encoder.checkpoints import save_fast_vlm, tiny
from tests.encoder.material import make
from tests.training.pictures import pictures
from unite.config.schema import LoRAConfig, MAMCLConfig
from unite.data.collate import Collator
from unite.errors import ConfigError
from unite.objective import MAMCL
from unite.training.negligible import in_groups, left_out
from unite.training.step import ContrastiveStep


def micro(contents, tokens=1):
    return SimpleNamespace(contents=torch.tensor(contents), input_ids=torch.zeros(len(contents), tokens))


def test_the_shortest_rows_are_left_out_up_to_the_bound():
    gradient = torch.tensor([[3.0, 4.0], [0.0, 1.0], [0.0, 2.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])  # norms 5 1 2 1 0 1
    found = left_out(gradient, [micro([4, 1]), micro([2, 0, 3])], 0.25)  # 2.5 of 10; the last content keeps its graph
    assert found.needed.tolist() == [True, False, True, False, False, True]
    assert (float(found.contents), float(found.gradient)) == (0.5, pytest.approx(0.2))
    assert left_out(gradient, [], 0.25).needed.all()
    nothing = left_out(torch.zeros(2, 3), [micro([0, 1])], 0.1)
    assert (nothing.needed.any(), float(nothing.gradient)) == (False, 0.0)


def test_groups_have_at_most_so_many_tokens():
    groups = list(in_groups([micro([0], 5), micro([1], 4), micro([2], 1), micro([3], 30), micro([4], 1)], 10))
    assert [[int(one.contents) for one in group] for group in groups] == [[0, 1, 2], [3], [4]]
    assert list(in_groups([], 10)) == []


@pytest.fixture(scope="module", params=["qwen", "fast_vlm"])
def folder(request, tmp_path_factory):
    qwen = tiny(tmp_path_factory.mktemp("tiny"))
    return qwen if request.param == "qwen" else save_fast_vlm(tmp_path_factory.mktemp("fast"), AutoTokenizer.from_pretrained(qwen), "llama")


@pytest.mark.parametrize("train_vision", [False, True])
def test_the_gradient_is_that_of_the_rows_that_are_left(folder, train_vision):
    """Against the whole pass, whose embeddings are given the gradient without the rows that were left out."""
    encoder = make(folder, adapter=LoRAConfig(r=2, dropout=0.0), train_vision=train_vision)
    encoder.add_adapter()
    torch.manual_seed(1)
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    objective, batch = MAMCL(MAMCLConfig(temperature=0.02)), Collator(encoder.processor, 160)(pictures())
    assert len(batch.micro_batches) > 2

    def gradients(step, backward=torch.Tensor.backward):
        encoder.zero_grad(set_to_none=True)
        output = step(batch, backward)
        return output, {name: parameter.grad for name, parameter in encoder.named_parameters() if parameter.grad is not None}

    whole, exact = gradients(ContrastiveStep(encoder, objective, 1))
    output, found = gradients(ContrastiveStep(encoder, objective, 1, negligible=0.2))
    needed = output.left_out.needed
    assert 1 <= int((~needed).sum()) < len(needed)
    assert 0 < float(output.left_out.gradient) <= 0.2
    torch.testing.assert_close(output.loss, whole.loss)

    encoder.zero_grad(set_to_none=True)
    embeddings = torch.cat([encoder(one) for one in batch.micro_batches])
    order = torch.cat([one.contents for one in batch.micro_batches]).argsort()
    leaf = embeddings.detach()[order].requires_grad_()
    objective(leaf, batch.relations).loss.backward()
    embeddings[order].backward(leaf.grad * needed[:, None])
    expected = {name: parameter.grad for name, parameter in encoder.named_parameters() if parameter.grad is not None}
    for name, gradient in expected.items():
        scale = gradient.abs().max().clamp_min(1e-8)
        torch.testing.assert_close(found.get(name, torch.zeros_like(gradient)) / scale, gradient / scale, rtol=1e-3, atol=1e-3, msg=name)
    assert any(not torch.allclose(found[name], exact[name], rtol=1e-3) for name in found)


def test_a_direct_step_leaves_nothing_out(folder):
    encoder = make(folder)
    batch = Collator(encoder.processor, 160)(pictures())
    output = ContrastiveStep(encoder, MAMCL(MAMCLConfig()), 10**6, negligible=0.2)(batch, torch.Tensor.backward)
    assert output.left_out.needed.all()
    assert output.left_out.told == {"negligible_contents": 0, "negligible_gradient": 0}


@pytest.mark.parametrize("bound", [-0.1, 1, float("nan")])
def test_the_bound_is_a_share(bound, folder):
    with pytest.raises(ConfigError, match="trainer.negligible_gradient must be at least 0, which leaves nothing out, and below 1, but is"):
        ContrastiveStep(make(folder), MAMCL(MAMCLConfig()), 1, negligible=bound)
