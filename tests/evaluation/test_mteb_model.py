import pytest
import torch

from tests.encoder.checkpoints import tiny
from tests.fake_encoder import FakeEncoder
from unite.encoder.vlm import VLMEncoder

mteb = pytest.importorskip("mteb")

from unite.evaluation.mteb_model import meta_of  # noqa: E402


def meta(encoder, label="stage2-2026-01-02", **settings):
    return meta_of(encoder, label, settings)


def test_mteb_knows_what_is_known_of_a_checkpoint(tmp_path):
    encoder = VLMEncoder(str(tiny(tmp_path)), max_length=300, dtype="float32")
    ours = meta(encoder)
    known = mteb.get_model_meta(ours.name, ours.revision)
    assert known == ours and known.name.startswith("unite/stage2-2026-01-02-") and known.name.endswith(known.revision[:8])
    model = encoder.model
    assert (known.embed_dim, known.max_tokens, known.modalities) == (
        model.config.get_text_config().hidden_size,
        300,
        ["text", "image", "video"],
    )
    assert known.n_parameters == model.num_parameters() and known.n_embedding_parameters == model.get_input_embeddings().weight.numel()
    assert known.memory_usage_mb == pytest.approx(4 * model.num_parameters() / 1024**2)
    assert {known.license, known.languages, known.training_datasets, known.open_weights, known.release_date} == {None}


def test_one_checkpoint_is_one_model_and_two_are_two_even_of_one_name():
    encoder, other = FakeEncoder(), FakeEncoder()
    assert meta(encoder) == meta(FakeEncoder())
    with torch.no_grad():
        next(other.parameters()).add_(1)
    one, two = meta(encoder), meta(other)
    assert one.name != two.name and one.revision != two.revision
    assert mteb.get_model_meta(one.name) == one and mteb.get_model_meta(two.name) == two


def test_how_it_was_run_is_an_experiment_of_the_same_model():
    plain, changed = meta(FakeEncoder()), meta(FakeEncoder(), instructions=False, max_frames=32)
    assert (plain.name, plain.revision) == (changed.name, changed.revision)
    assert (plain.experiment_name, changed.experiment_name) == (None, "instructions_False__max_frames_32")
    assert mteb.get_model_meta(plain.name).experiment_kwargs is None


def test_a_label_is_a_name_that_a_folder_can_have():
    assert meta(FakeEncoder(), "a model/of: mine").name.startswith("unite/a-model-of-mine-")
