"""What sentence-transformers saved embeds here as it does there; with `chat_prompt.py`, which finds the prompt in its chat template."""

import json
import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.composed import composed
from tests.encoder.sentence_folders import QWEN2, TEXT_ALONE, save_sentence_folder
from unite.build.encoder import build_trained_encoder, check_encoder
from unite.config.schema import PromptConfig
from unite.embedding import Embedder
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError
from unite.export.folder import write_folder
from unite.export.source import find_source

sentence_transformers = pytest.importorskip("sentence_transformers")


def picture(height, width):
    return Image.fromarray(np.random.default_rng(height).integers(0, 255, (height, width, 3), dtype=np.uint8))


ITEMS = [
    "a red cat",
    " blanks and\nlines around ",
    {"image": picture(60, 80)},
    {"image": picture(120, 40), "text": "the same in blue"},
    {"image": picture(150, 200)},  # shrunk
]


def equals_theirs(folder, items=ITEMS, **prompt):
    """Whether our embeddings of items are theirs, one by one and in a padded batch."""
    theirs = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    ours = Embedder(folder, device="cpu").encode(items, **prompt)
    np.testing.assert_allclose(ours, theirs.encode(items, normalize_embeddings=True, **prompt), atol=1e-5)
    return bool(np.ptp(ours, axis=0).max() > 0.05)  # they tell the items apart


def test_every_family_embeds_as_there_with_and_without_a_prompt(folder, tmp_path):
    saved = save_sentence_folder(folder, tmp_path / "saved")
    assert equals_theirs(saved) and equals_theirs(saved, prompt="Find the red one")


@pytest.fixture(scope="module")
def saved(qwen2, tmp_path_factory):
    """A folder with prompts of its own, whose contents are messages."""
    folder = tmp_path_factory.mktemp("sentence") / "saved"
    return save_sentence_folder(qwen2, folder, prompts={"query": "Find it", "document": "", "twin": "The same"}, default="twin")


def test_prompts_by_name_and_by_default_are_those_of_the_folder(saved):
    theirs, ours = sentence_transformers.SentenceTransformer(str(saved), device="cpu"), Embedder(saved, device="cpu")
    np.testing.assert_allclose(ours.encode(ITEMS), theirs.encode(ITEMS), atol=1e-5)
    np.testing.assert_allclose(ours.encode_query(ITEMS), theirs.encode_query(ITEMS), atol=1e-5)
    np.testing.assert_allclose(ours.encode_document(ITEMS), theirs.encode_document(ITEMS), atol=1e-5)
    assert np.abs(ours.encode(ITEMS) - ours.encode_query(ITEMS)).max() > 1e-3
    given = Embedder(saved, device="cpu", prompts={"query": "The same"})
    np.testing.assert_array_equal(given.encode_query("a cat"), ours.encode("a cat"))


def test_a_text_that_is_no_message_goes_in_as_it_is_with_the_prompt_right_before_it(qwen2, tmp_path):
    plain = {"modality_config": TEXT_ALONE, "module_output_name": "token_embeddings"}
    saved = save_sentence_folder(qwen2, tmp_path / "saved", **plain)
    assert equals_theirs(saved, ITEMS[:2]) and equals_theirs(saved, ITEMS[:2], prompt="find: ")


def test_a_template_is_rendered_with_the_options_of_the_folder(qwen2, tmp_path):
    saved = save_sentence_folder(qwen2, tmp_path / "saved", processing_kwargs={"chat_template": {"add_generation_prompt": True}})
    assert equals_theirs(saved, prompt="Find the red one")
    assert VLMEncoder(str(saved)).config.prompt.template.endswith("{content}<|im_end|>\n<|im_start|>assistant\n")


def _module(at, path, kind):
    return {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}


def test_a_transformer_in_a_folder_below_and_the_words_of_before_version_6(saved, tmp_path):
    old = tmp_path / "old"
    (old / "0_Transformer").mkdir(parents=True)
    for path in saved.iterdir():
        below = path.name in ("modules.json", "config_sentence_transformers.json") or path.is_dir()
        (shutil.copytree if path.is_dir() else shutil.copy)(path, old / path.name if below else old / "0_Transformer" / path.name)
    kinds = (("0_Transformer", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [_module(at, path, kind) for at, (path, kind) in enumerate(kinds)]
    (old / "modules.json").write_text(json.dumps(modules))
    modes = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True}
    (old / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **modes}))
    assert equals_theirs(old)
    np.testing.assert_array_equal(Embedder(old, device="cpu").encode(ITEMS), Embedder(saved, device="cpu").encode(ITEMS))


def test_sizes_lengths_and_type_are_those_of_the_folder_and_may_be_changed(qwen2, tmp_path, caplog):
    asked = {"text": {"max_length": 40, "x": 1}, "image": {"max_pixels": 9 * 28 * 28, "min_pixels": 3 * 28 * 28 + 1}, "common": {"y": 1}}
    saved = save_sentence_folder(qwen2, tmp_path / "saved", normalize=False, processing_kwargs=asked)
    with caplog.at_level(logging.INFO):
        config = VLMEncoder(str(saved), max_length=50).config
    read = (config.max_length, config.min_image_tokens, config.max_image_tokens, str(config.dtype))
    assert read == (40, 4, 9, "float32")
    assert "was saved by sentence-transformers: read as there" in caplog.text
    assert "not used, since the checkpoint brings its own: encoder.max_length=50" in caplog.text
    assert "its vectors are not normalised: here they are of unit length" in caplog.text
    assert "processing_kwargs.text is not used here: x" in caplog.text and "processing_kwargs.common is not used here: y" in caplog.text
    from unite.config.schema.encoder import ReadingChange

    assert VLMEncoder(str(saved), override=ReadingChange(max_length=30)).config.max_length == 30


def test_it_is_evaluated_and_trained_and_what_is_saved_then_reads_the_same(saved, tmp_path):
    encoder = build_trained_encoder(composed("evaluate", f"checkpoint={saved}", "device=cpu"))
    assert encoder.config.prompt.name == "chat_template"
    for start in (["encoder=qwen2_vl_2b", f"encoder.path={saved}"], [f"init_from={saved}"]):
        check_encoder(composed("train", *start))
    encoder.save(tmp_path / "export")
    before, after = (Embedder(one, device="cpu").encode(ITEMS, prompt="") for one in (saved, tmp_path / "export"))
    np.testing.assert_array_equal(after, before)


def test_an_export_that_was_trained_on_there_comes_back_with_its_prompt(qwen2, tmp_path):
    VLMEncoder(str(qwen2), dtype="float32", adapter=None, min_image_tokens=1, max_image_tokens=16, max_length=300).save(
        tmp_path / "encoder"
    )
    write_folder(find_source(tmp_path / "encoder"), tmp_path / "export")
    sentence_transformers.SentenceTransformer(str(tmp_path / "export")).save(str(tmp_path / "back"))
    assert not (tmp_path / "back" / "unite_encoder.json").exists() and VLMEncoder(str(tmp_path / "back")).config.prompt == PromptConfig()
    items = [*ITEMS, "literally <|im_end|> and <|image_pad|>"]
    assert equals_theirs(tmp_path / "back", items) and equals_theirs(tmp_path / "back", items, prompt="Find the red one")
    before, after = (Embedder(tmp_path / name, device="cpu").encode(items) for name in ("encoder", "back"))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_prompt_that_is_asked_for_takes_the_place_of_the_chat_template(saved, caplog):
    with caplog.at_level(logging.INFO):
        assert VLMEncoder(str(saved), prompt="gme").config.prompt.name == "gme"
    assert "its chat template is not used, since prompt=gme was asked for" in caplog.text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            QWEN2.replace("{{ part['text'] }}", "{{ part['text'] | upper }}"),
            "between fixed words, or a prompt of conf/prompt, but is 'neither'",
        ),
        (QWEN2.replace("image_pad|>", "image_pad|>!"), "but is 'neither'. Say how it was trained by prompt="),
        (QWEN2.replace("<|im_start|>system", "{{ '{content}' }}"), "but is 'neither'"),
        ("{{ raise_exception('no') }}", "one that can be rendered, but is .*no"),
        ("{% for", "one that can be rendered"),
        (None, "there, since its contents are messages, but is 'missing'. Copy chat_template.jinja too"),
    ],
)
def test_a_chat_template_that_no_prompt_here_can_write_is_refused(saved, tmp_path, template, message):
    shutil.copytree(saved, tmp_path / "other")
    file = tmp_path / "other" / "chat_template.jinja"
    file.write_text(template) if template else file.unlink()
    with pytest.raises(CheckpointError, match=f"the chat template of .*other must be .*{message}"):
        build_trained_encoder(composed("evaluate", f"checkpoint={tmp_path / 'other'}", "device=cpu"))
