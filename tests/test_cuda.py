"""What runs on a GPU, against the same on a CPU: `CUDA_VISIBLE_DEVICES=0 python -m pytest tests/test_cuda.py`."""

import json

import pytest
import torch
from lightning_fabric.utilities import move_data_to_device
from PIL import Image

from tests.commands import SMALL, only, run
from tests.encoder.checkpoints import save_family, tiny
from tests.encoder.material import batch_of, draw_adapter, make
from tests.objective.pools import relations_of, unit
from tests.training.pictures import pictures
from unite.config.schema import InfoNCEConfig, LoRAConfig, MAMCLConfig
from unite.data.collate import Collator
from unite.embedding.embedder import Embedder
from unite.encoder.features import FeatureBound
from unite.objective import MAMCL, InfoNCE
from unite.retrieval.topk import search
from unite.training.step import ContrastiveStep

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is visible (the tests hide it: set CUDA_VISIBLE_DEVICES=0)")

LORA = {"adapter": LoRAConfig(r=2, dropout=0.0), "train_vision": False}


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("tiny"))


def stepped(folder, device, graph_tokens, num_steps=1, features=None, precision=torch.float32, **options):
    """The loss, the gradient, and the step of a real architecture."""
    encoder = make(folder, **options).train()
    draw_adapter(encoder)
    batch = move_data_to_device(Collator(encoder.processor, 160)(pictures()), device)
    more = () if features is None else (features,)
    step = ContrastiveStep(encoder.to(device), InfoNCE(InfoNCEConfig(temperature=0.1)).to(device), graph_tokens, *more)
    for _ in range(num_steps):
        encoder.zero_grad()
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
            loss = step(batch, torch.Tensor.backward).loss
    gradient = torch.cat([one.grad.flatten() for one in encoder.parameters() if one.requires_grad and one.grad is not None])
    return float(loss.detach()), gradient.cpu(), step


def error_of(found, expected):
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("graph_tokens", [1, 200, 10**6, "auto"])
@pytest.mark.parametrize("what", [{}, {"train_vision": True}, LORA], ids=["whole", "with the tower", "lora"])
def test_a_step_gives_the_gradient_of_the_cpu(tiny_folder, graph_tokens, what):
    loss, expected, _ = stepped(tiny_folder, "cpu", 10**6, **what)
    found_loss, found, step = stepped(tiny_folder, "cuda", graph_tokens, num_steps=3, **what)
    assert found_loss == pytest.approx(loss, rel=1e-5)
    assert error_of(found, expected) < 1e-4
    if graph_tokens == "auto":
        state = step.budget.state()
        assert torch.cuda.get_device_name() in state["place"]
        assert 0 < state["room"] < torch.cuda.get_device_properties(0).total_memory


@pytest.mark.parametrize("graph_tokens", [1, 200])
def test_features_that_wait_in_the_hosts_memory_or_are_made_again(tiny_folder, tmp_path, graph_tokens, caplog):
    from transformers import AutoTokenizer

    folder = save_family("qwen3_vl", tmp_path, AutoTokenizer.from_pretrained(tiny_folder))  # with deepstack
    loss, expected, _ = stepped(folder, "cuda", graph_tokens, **LORA)
    for beyond in ("host", "again"):
        with caplog.at_level("INFO"):
            found_loss, found, _ = stepped(folder, "cuda", graph_tokens, features=FeatureBound(10, beyond), **LORA)
        assert found_loss == pytest.approx(loss, rel=1e-6)
        assert error_of(found, expected) < 1e-5
        assert f"2 media kept on the device (8 tokens, trainer.feature_tokens=10), {'0' if beyond == 'again' else ''}" in caplog.text


@pytest.mark.parametrize("attention", ["sdpa", "varlen", "eager"])
def test_mixed_precision_gives_the_gradient_of_float32(tiny_folder, attention):
    loss, expected, _ = stepped(tiny_folder, "cpu", 10**6)
    for graph_tokens in (1, 10**6):
        found_loss, found, _ = stepped(tiny_folder, "cuda", graph_tokens, precision=torch.bfloat16, attention=attention)
        assert found_loss == pytest.approx(loss, rel=0.02)
        assert error_of(found, expected) < 0.08  # bfloat16 keeps 8 bits


def test_contents_without_padding_give_the_embeddings_of_the_cpu(tiny_folder):
    expected = make(tiny_folder)
    found = make(tiny_folder, attention="varlen").cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16), torch.no_grad():
        embeddings = found(move_data_to_device(batch_of(found), "cuda"))
    assert torch.cosine_similarity(embeddings.float().cpu(), expected(batch_of(expected)).detach()).min() > 0.999


@pytest.mark.parametrize("objective", [MAMCL(MAMCLConfig(temperature=0.1)), InfoNCE(InfoNCEConfig(temperature=0.1))])
def test_the_loss_is_that_of_the_cpu(objective):
    num = 3000
    relations = relations_of([*range(1000)], [[1000 + at, 2000 + at] for at in range(1000)], [1 << at % 3 for at in range(num)])
    found = []
    for device in ("cpu", "cuda"):
        embeddings = unit(num, 64, 0).to(device).requires_grad_()
        output = objective.to(device)(embeddings, move_data_to_device(relations, device))
        output.loss.backward()
        found.append((output.loss.detach().cpu(), embeddings.grad.cpu()))
    torch.testing.assert_close(found[1][0], found[0][0], rtol=1e-5, atol=0)
    torch.testing.assert_close(found[1][1], found[0][1], rtol=1e-3, atol=1e-7)


def test_hits_are_those_of_the_cpu():
    queries, candidates = unit(100, 64, 0), unit(5000, 64, 1)
    (expected_scores, expected), (scores, found) = (search(queries, candidates, 10, device=device) for device in ("cpu", "cuda"))
    assert torch.equal(found, expected)
    torch.testing.assert_close(scores, expected_scores)


def test_contents_are_embedded_as_on_the_cpu(tiny_folder):
    items = ["a red cat", "the moon", Image.new("RGB", (56, 56), "red")]
    on_cpu, on_gpu = (Embedder(tiny_folder, device=device, dtype="float32").encode(items) for device in ("cpu", "cuda"))
    torch.testing.assert_close(torch.as_tensor(on_gpu), torch.as_tensor(on_cpu), rtol=1e-4, atol=1e-5)


RUNS = {
    "plain": [],
    "mixed": ["trainer.precision=bf16-mixed", "encoder.attention=varlen", "encoder.gradient_checkpointing=true"],
    "adapters": ["+adapter@encoder.adapter=lora", "trainer.feature_tokens=16", "trainer.graph_tokens=1", "optimizer=adamw"],
    "from scratch": ["optimizer=from_scratch", "objective=matryoshka", "objective.dims=[8,32]"],
    "muon": ["optimizer=muon"],
    "adafactor": ["optimizer=adafactor"],
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_trains_goes_on_and_is_evaluated(name, tmp_path):
    given = [*SMALL, "+experiment=stage2_mamcl", *RUNS[name], "alignment.max_steps=2", "name=a"]
    told = run("train", tmp_path / "data", tmp_path / "runs", *given, "trainer.max_steps=4")
    folder = only(tmp_path / "runs" / "a")
    (folder / "finished").unlink()  # as if its evaluation had broken off
    (folder / "metrics.json").unlink()
    told += run("train", tmp_path / "data", tmp_path / "runs", *given, "trainer.max_steps=4", f"run_folder={folder}", "resume=true")
    assert "Traceback" not in told
    assert (folder / "metrics.json").is_file()
    assert json.loads((folder / "provenance.json").read_text())["hardware"]["device"] == torch.cuda.get_device_name()
