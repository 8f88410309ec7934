import pytest
import torch
from pytorch_lightning.plugins import MixedPrecision, Precision
from transformers import AutoTokenizer

from tests.encoder.checkpoints import save_family, tiny
from tests.encoder.material import draw_adapter, image, make
from tests.training.pictures import pictures
from tests.training.toy import batch_of, examples, gradients, plain, seeded_encoder
from unite.config.schema import InfoNCEConfig, LoRAConfig, MAMCLConfig
from unite.data.collate import Collator
from unite.encoder.features import ALL_KEPT, FeatureBound
from unite.errors import ConfigError, NonFiniteLossError
from unite.objective import MAMCL, InfoNCE
from unite.training.step import ContrastiveStep, count_tokens
from unite.types import Content, Example


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("objective", [MAMCL(MAMCLConfig(temperature=0.1)), InfoNCE(InfoNCEConfig(temperature=0.1))])
@pytest.mark.parametrize("num_kept", [0, 1, 3, None], ids=["cached", "last kept", "three kept", "direct"])
def test_gradients_equal_the_plain_step(objective, num_kept):
    batch = batch_of(examples(20))
    loss, expected = plain(batch, seeded_encoder(), objective)
    encoder, num = seeded_encoder(), len(batch.micro_batches)
    assert num > 4
    kept = batch.micro_batches[num - num_kept :] if num_kept else []
    graph_tokens = 10_000 if num_kept is None else sum(micro.input_ids.numel() for micro in kept) + 1
    output = ContrastiveStep(encoder, objective, graph_tokens)(batch, torch.Tensor.backward)
    assert encoder.calls == num if num_kept is None else encoder.calls == 2 * num - num_kept
    torch.testing.assert_close(output.loss, loss)
    torch.testing.assert_close(gradients(encoder), expected, rtol=1e-5, atol=1e-8)
    assert output.objective.terms.row.tolist() == list(range(20))
    assert (len(output.embeddings), output.relations) == (batch.relations.num_contents, batch.relations)


def test_the_packing_does_not_change_the_gradient():
    wide, narrow = (batch_of(examples(16), budget) for budget in (1000, 12))
    _, expected = plain(wide, seeded_encoder(), MAMCL(MAMCLConfig(temperature=0.1)))
    encoder = seeded_encoder()
    ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), 1)(narrow, torch.Tensor.backward)
    assert len(wide.micro_batches) < len(narrow.micro_batches)
    torch.testing.assert_close(gradients(encoder), expected, rtol=1e-5, atol=1e-8)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_samples():
    encoder = seeded_encoder()
    with torch.no_grad():
        encoder.out.bias.fill_(float("nan"))
    message = r"the loss of the batch of row0, row1, row2, row3 and 2 more must be finite, but is nan. Try a lower optimizer.lr"
    with pytest.raises(NonFiniteLossError, match=message) as raised:
        ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), 1)(batch_of(examples(6)), torch.Tensor.backward)
    assert raised.value.keys == [f"row{at}" for at in range(6)]
    assert gradients(encoder) == {}


def test_graph_tokens_must_be_positive():
    with pytest.raises(ConfigError, match="trainer.graph_tokens must be at least 1, or auto, but is 0"):
        ContrastiveStep(seeded_encoder(), MAMCL(MAMCLConfig(temperature=0.1)), 0)


def test_tokens_are_counted_with_and_without_padding():
    batch = batch_of(examples(3), 1000)
    lengths = [len(content.split()) for example in examples(3) for content in (example.query.text, example.positives[0].text)]
    lengths += [1 for example in examples(3) if example.negatives]
    assert count_tokens(batch.micro_batches) == (sum(lengths), max(lengths) * len(lengths))


def real_gradients(folder, objective, graph_tokens, *, dtype="float32", precision="32-true", again=False, features=ALL_KEPT, **options):
    """The loss and the flat gradient of a real architecture, in Lightning's precision of that name."""
    encoder = make(folder, dtype=dtype, gradient_checkpointing=again, **options).train()
    draw_adapter(encoder)
    assert {parameter.dtype for parameter in encoder.parameters() if parameter.requires_grad} == {torch.float32}
    plugin = MixedPrecision("bf16-mixed", "cpu") if precision == "bf16-mixed" else Precision()
    batch = Collator(encoder.processor, 160)(pictures())
    with plugin.forward_context():
        loss = ContrastiveStep(encoder, objective, graph_tokens, features)(batch, torch.Tensor.backward).loss
    return loss, torch.cat([one.grad.flatten() for one in encoder.parameters() if one.requires_grad and one.grad is not None])


EVERYWHERE = LoRAConfig(r=2, dropout=0.0, targets=["language", "vision", "merger"])


@pytest.mark.parametrize(
    "what",
    [
        {"adapter": None},
        {"adapter": None, "train_vision": True},
        {"adapter": LoRAConfig(r=2, dropout=0.0)},
        {"adapter": LoRAConfig(r=2, dropout=0.0), "train_vision": True},
        {"adapter": EVERYWHERE},
        {"adapter": EVERYWHERE, "train_vision": True},  # the towers' norms and patch embedding whole
        {"adapter": LoRAConfig(r=2, dropout=0.0), "train_vision": True, "frozen": ["vision", "layers.1"]},  # the merger whole
        {"adapter": None, "frozen": ["embed_tokens", "layers.0"]},
    ],
    ids=["whole", "whole-vision", "lora", "lora-vision", "everywhere", "everywhere-vision", "merger", "frozen"],
)
def test_every_precision_gives_the_gradients_of_float32(tiny_folder, what):
    objective = InfoNCE(InfoNCEConfig(temperature=0.1))
    loss, expected = real_gradients(tiny_folder, objective, 10**6, **what)
    for dtype, precision in (("float32", "bf16-mixed"), ("bfloat16", "32-true"), ("bfloat16", "bf16-mixed")):
        for graph_tokens, again in ((10**6, False), (200, False), (1, True)):
            found_loss, found = real_gradients(tiny_folder, objective, graph_tokens, **what, dtype=dtype, precision=precision, again=again)
            assert found.shape == expected.shape and abs(float(found_loss / loss - 1)) < 0.02
            assert float((found - expected).norm() / expected.norm()) < 0.08  # bfloat16 keeps 8 bits: 1 to 5 % are seen
    for graph_tokens, again in ((1, False), (1, True), (200, False)):  # 200: of some micro-batches the activations are kept
        _, cached = real_gradients(tiny_folder, objective, graph_tokens, **what, again=again)
        torch.testing.assert_close(cached, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("graph_tokens", [1, 200])
def test_a_bound_on_kept_features_changes_neither_loss_nor_gradient(tiny_folder, tmp_path, graph_tokens, caplog):
    folder = save_family("qwen3_vl", tmp_path, AutoTokenizer.from_pretrained(tiny_folder))  # with deepstack
    objective = InfoNCE(InfoNCEConfig(temperature=0.1))
    given = {"adapter": LoRAConfig(r=2, dropout=0.3)}  # the replay must draw the same where the tower sees again what it saw
    loss, expected = real_gradients(folder, objective, graph_tokens, **given)
    assert "frozen tower" not in caplog.text
    for tokens in (0, 10):  # a picture has four
        caplog.clear()
        with caplog.at_level("INFO"):
            found_loss, found = real_gradients(folder, objective, graph_tokens, **given, features=FeatureBound(tokens))
        torch.testing.assert_close(found_loss, loss, rtol=1e-6, atol=0)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6 * float(expected.abs().max()))
        told = f"{tokens // 4} media kept on the device ({tokens // 4 * 4} tokens, trainer.feature_tokens={tokens}), 0 in the host's memory"
        assert told in caplog.text


def test_the_replay_draws_the_same_dropout_in_a_tower_also_where_contents_share_a_picture(tiny_folder):
    rows = [Example(f"s{at}", "s", Content(f"a {at}", (image(at % 2),)), (Content(f"the {at}", (image(at % 2),)),)) for at in range(4)]
    found = []
    for cached in (True, False):
        encoder = make(tiny_folder, adapter=LoRAConfig(r=2, dropout=0.5, targets=["vision", "merger"])).train()
        draw_adapter(encoder)
        batch = Collator(encoder.processor, 100)(rows)
        assert len(batch.micro_batches) > 1
        torch.manual_seed(1)
        step = ContrastiveStep(encoder, InfoNCE(InfoNCEConfig(temperature=0.1)), 1)
        found.append((step(batch, torch.Tensor.backward).loss, gradients(encoder)) if cached else plain(batch, encoder, step.objective))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)
