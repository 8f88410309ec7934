"""Features of frozen towers on disk, as training and evaluation use them."""

import pytest
import torch
from transformers import AutoTokenizer

from tests.composed import composed
from tests.encoder.checkpoints import save_fast_vlm, tiny
from tests.encoder.material import batch_of, make
from tests.training.pictures import pictures
from unite.build.encoder import check_encoder
from unite.build.features import with_stored_features
from unite.config.schema import FeatureCacheConfig, InfoNCEConfig, LoRAConfig
from unite.config.schema.encoder import ReadingChange
from unite.data.collate import Collator
from unite.errors import ConfigError
from unite.objective import InfoNCE
from unite.training.step import ContrastiveStep


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("tiny"))


def trained(folder, features, steps=4, graph_tokens=1, num_done=0, weights=None):
    """Trains for some steps, each on all pictures; returns the losses, how many media the tower was shown in each, and the weights."""
    encoder = make(folder, adapter=LoRAConfig(r=2, dropout=0.0))
    with_stored_features(FeatureCacheConfig(folder=features), encoder, is_trained=True)
    encoder.add_adapter()
    encoder.train()
    if weights is not None:
        encoder.load_state_dict(weights)
    shown = []
    encoder.model.visual.register_forward_pre_hook(lambda module, args, kwargs: shown.append(len(kwargs["grid_thw"])), with_kwargs=True)
    optimizer = torch.optim.SGD([one for one in encoder.parameters() if one.requires_grad], 0.5)
    step = ContrastiveStep(encoder, InfoNCE(InfoNCEConfig(temperature=0.1)), graph_tokens)
    losses, counts = [], []
    for _ in range(num_done, steps):
        shown.clear()
        optimizer.zero_grad()
        losses.append(float(step(Collator(encoder.processor, 160)(pictures()), torch.Tensor.backward).loss))
        optimizer.step()
        counts.append(sum(shown))
    return losses, counts, encoder.state_dict()


@pytest.mark.parametrize("graph_tokens", [1, 10**6], ids=["cached", "direct"])
def test_training_is_the_same_and_the_tower_sees_each_medium_once_in_all_runs(tiny_folder, tmp_path, graph_tokens):
    expected, plain, _ = trained(tiny_folder, None, graph_tokens=graph_tokens)
    first, seen, weights = trained(tiny_folder, str(tmp_path), steps=2, graph_tokens=graph_tokens)
    rest, after, _ = trained(tiny_folder, str(tmp_path), graph_tokens=graph_tokens, num_done=2, weights=weights)  # resumed
    assert (plain, seen, after) == ([6, 6, 6, 6], [6, 0], [0, 0])
    torch.testing.assert_close(torch.tensor(first + rest), torch.tensor(expected), rtol=1e-6, atol=0)
    assert len(set(expected)) == 4


@pytest.mark.parametrize("graph_tokens", [1, 10**6, "auto"])
def test_a_projector_behind_the_tower_is_trained(tiny_folder, tmp_path, graph_tokens):
    """FastVLM's: the frozen tower's features are kept, and the projector makes others of them in each step."""
    folder = save_fast_vlm(tmp_path, AutoTokenizer.from_pretrained(tiny_folder), "llama")

    def losses(features):
        encoder = make(folder, train_vision=True, frozen=["vision", "language"])
        with_stored_features(FeatureCacheConfig(folder=features), encoder, is_trained=True)
        encoder.add_adapter()
        encoder.train()
        shown = []
        encoder.model.vision_tower.register_forward_pre_hook(lambda module, args: shown.append(len(args[0])))
        optimizer = torch.optim.SGD([one for one in encoder.parameters() if one.requires_grad], 0.5)
        step = ContrastiveStep(encoder, InfoNCE(InfoNCEConfig(temperature=0.1)), graph_tokens)
        found = []
        for _ in range(3):
            optimizer.zero_grad()
            found.append(float(step(Collator(encoder.processor, 160)(pictures()), torch.Tensor.backward).loss))
            optimizer.step()
        return found, sum(shown)

    (expected, plain), (found, first), (again, second) = losses(None), losses(str(tmp_path / "kept")), losses(str(tmp_path / "kept"))
    torch.testing.assert_close(torch.tensor([found, again]), torch.tensor([expected, expected]), rtol=1e-5, atol=0)
    assert plain >= 18
    assert (first, second) == (6, 0)
    assert len(set(expected)) == 3


def test_what_a_run_kept_serves_the_evaluation_of_what_it_exported(tiny_folder, tmp_path):
    encoder = make(tiny_folder, adapter=LoRAConfig(r=2, dropout=0.0))
    with_stored_features(FeatureCacheConfig(folder=str(tmp_path / "kept")), encoder, is_trained=True)
    encoder.add_adapter()
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    with torch.no_grad():
        encoder(batch_of(encoder))
    encoder.stored.flush()
    encoder.merge_adapter()
    encoder.save(tmp_path / "encoder")
    exported, other = (make(tmp_path / "encoder", **how) for how in ({}, {"override": ReadingChange(max_image_tokens=1)}))
    for again, number in ((exported, 2), (other, 0)):  # of other sizes nothing is found
        with_stored_features(FeatureCacheConfig(folder=str(tmp_path / "kept")), again, is_trained=False)
        with torch.no_grad():
            embeddings = again(batch_of(again))
        assert again.stored.num_taken == number
        again.stored = None
        with torch.no_grad():
            torch.testing.assert_close(embeddings, again(batch_of(again)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"train_vision": True},
        {"adapter": LoRAConfig(r=2, targets=["language", "merger"])},
        {"adapter": LoRAConfig(r=2, targets=["visual.blocks.*.attn.qkv"])},
    ],
    ids=["whole", "part", "pattern"],
)
def test_a_tower_that_is_trained_is_refused(tiny_folder, tmp_path, options):
    encoder, given = make(tiny_folder, **options), FeatureCacheConfig(folder=str(tmp_path / "kept"))
    with pytest.raises(ConfigError, match=r"the tower of an encoder with feature_cache.folder must be frozen, but is .?trained.*=null"):
        with_stored_features(given, encoder, is_trained=True)
    assert not (tmp_path / "kept").exists()
    with_stored_features(given, encoder, is_trained=False)  # no more


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["encoder.train_vision=true"], "encoder.train_vision must be false with feature_cache.folder, but is True. Its features change"),
        (
            ["encoder.train_vision=false", "+adapter@encoder.adapter=lora", "encoder.adapter.targets=[language,vision]"],
            "encoder.adapter.targets must be without parts of the tower with feature_cache.folder, but is 'vision'",
        ),
        (["encoder.train_vision=true", "encoder.frozen=[vision]"], "encoder.train_vision must be false"),  # the merger is left
    ],
)
def test_options_that_train_a_tower_are_refused_before_weights_are_read(options, message):
    with pytest.raises(ConfigError, match=message):
        check_encoder(composed("train", "+experiment=stage2_mamcl", "feature_cache.folder=kept", *options))


def test_options_that_freeze_the_tower_are_taken():
    for frozen in (["encoder.train_vision=false"], ["encoder.train_vision=true", "encoder.frozen=[vision,merger]"]):
        check_encoder(composed("train", "+experiment=stage2_mamcl", "feature_cache.folder=kept", *frozen))


def test_an_encoder_of_ones_own_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"feature_cache.folder must be null for an encoder of one's own"):
        with_stored_features(FeatureCacheConfig(folder=str(tmp_path)), torch.nn.Linear(1, 1), is_trained=True)
