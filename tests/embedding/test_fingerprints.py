import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.encoder.checkpoints import tiny
from tests.fake_encoder import FakeEncoder, FakeProcessor
from unite.embedding.embed import embed_contents
from unite.embedding.fingerprints import encoder_fingerprint, prompt_fingerprint
from unite.encoder.vlm import VLMEncoder
from unite.errors import DataError
from unite.media import KINDS
from unite.types import Content


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("tiny"))


def fingerprints(folder, **options):
    encoder = VLMEncoder(str(folder), **options)
    return encoder_fingerprint(encoder), prompt_fingerprint(encoder.processor)


def changed(folder, tmp_path, file, change):
    """The fingerprints of a checkpoint with one value of one file changed."""
    copy = shutil.copytree(folder, tmp_path / "changed", dirs_exist_ok=True)
    value = json.loads((copy / file).read_text())
    change(value)
    (copy / file).write_text(json.dumps(value))
    return fingerprints(copy)


def test_of_one_checkpoint_they_are_the_same_wherever_it_lies_and_whatever_was_done_with_it(folder, tmp_path):
    encoder = VLMEncoder(str(folder))
    before = encoder_fingerprint(encoder), prompt_fingerprint(encoder.processor)
    embed_contents(encoder, [Content("short"), Content("a text that is longer, so that one is padded")])
    assert (encoder_fingerprint(encoder.train()), prompt_fingerprint(encoder.processor)) == before
    assert fingerprints(shutil.copytree(folder, tmp_path / "elsewhere")) == before
    assert fingerprints(folder, attention="eager", gradient_checkpointing=False) == before  # nothing but rounding


CHANGES: dict[str, Callable] = {
    "a list in a mapping": lambda config: config["text_config"]["rope_parameters"].update(mrope_section=[1, 2, 1]),
    "a number": lambda config: config["text_config"].update(rms_norm_eps=1e-5),
    "a function": lambda config: config["vision_config"].update(hidden_act="relu"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_is_changed_in_the_configuration_makes_another_encoder(folder, tmp_path, change):
    assert "mrope_section" in (folder / "config.json").read_text()
    found = changed(folder, tmp_path, "config.json", change)
    assert found[0] != fingerprints(folder)[0]


def test_settings_of_the_processor_and_the_tokenizer_make_another_prompt(folder, tmp_path):
    base = fingerprints(folder)

    def other_token(tokenizer):  # of none of the probes
        vocabulary = tokenizer["model"]["vocab"]
        one, other = [token for token in vocabulary if "<|" not in token][-2:]
        vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]

    found = [
        changed(folder, tmp_path / "tokenizer", "tokenizer.json", other_token),
        fingerprints(folder, max_image_tokens=1200),  # larger than any probe
        fingerprints(folder, max_frame_pixels=28 * 28 * 900),
        fingerprints(folder, max_length=77),
    ]
    assert all(one[1] != base[1] for one in found) and len({one[1] for one in found}) == 4


def test_settings_that_are_lists_mappings_or_functions_count():
    def of(**settings):
        module = FakeEncoder()
        for name, value in settings.items():
            setattr(module, name, value)
        return encoder_fingerprint(module)

    told = [
        *({}, {"scaling": {"default": 2.0}}, {"scaling": {"default": 4.0}}, {"sections": [2, 1, 1]}, {"sections": [1, 2, 1]}),
        *({"sections": (3, (1, {"deep": 1}))}, {"sections": (3, (1, {"deep": 2}))}, {"names": {"a", "b"}}, {"names": {"a", "c"}}),
        *({"act": F.relu}, {"act": F.gelu}, {"act": partial(F.gelu, approximate="tanh")}, {"act": nn.GELU}),
    ]
    assert len({of(**settings) for settings in told}) == len(told)
    assert of(names={"a", "b", "c"}) == of(names={"c", "b", "a"}) and of(scaling={"a": 1, "b": 2}) == of(scaling={"b": 2, "a": 1})


def test_the_fingerprint_of_an_encoder_tells_weights_and_settings():
    encoder = FakeEncoder()
    base = encoder_fingerprint(encoder)
    assert base == encoder_fingerprint(FakeEncoder()) == encoder_fingerprint(encoder.eval())
    encoder.name_or_path = "another/folder"
    assert encoder_fingerprint(encoder) == base
    encoder.positions = "sequential"
    assert encoder_fingerprint(encoder) != base
    other = FakeEncoder()
    with torch.no_grad():
        other.tokens[3, 5] += 1e-6
    assert encoder_fingerprint(other) != base


def test_the_fingerprint_of_a_prompt_tells_how_contents_are_read():
    class Shorter(FakeProcessor):
        def encode(self, content):
            encoded = super().encode(content)
            encoded.input_ids = encoded.input_ids[:10]
            return encoded

    class Refusing(FakeProcessor):
        def encode(self, content):
            if content.media:
                raise DataError("no media")
            return super().encode(content)

    limited = FakeProcessor()
    limited.max_length = 99
    assert prompt_fingerprint(limited) != prompt_fingerprint(FakeProcessor())
    fingerprints = [prompt_fingerprint(processor()) for processor in (FakeProcessor, FakeProcessor, Shorter, Refusing)]
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 3


@pytest.mark.parametrize("kind", KINDS, ids=[kind.word for kind in KINDS])
def test_the_fingerprint_of_a_prompt_tells_how_each_kind_of_media_is_read(kind):
    class WithoutIt(FakeProcessor):
        def encode(self, content):
            media = tuple(medium for medium in content.media if medium.modality is not kind.modality)
            return super().encode(replace(content, media=media))

    assert prompt_fingerprint(WithoutIt()) != prompt_fingerprint(FakeProcessor())
