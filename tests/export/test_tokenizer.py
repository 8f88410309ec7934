"""A tokenizer as it is exported: the same tokens, whatever a user wrote, and nothing at a text's end but what the prompt asks for."""

import json

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoProcessor, AutoTokenizer

from tests.encoder.checkpoints import save_family
from tests.export.material import exported, trained
from unite.config.prompts import prompt_options
from unite.encoder.vlm import VLMEncoder
from unite.export.chat_template import GUARD
from unite.types import Content


@pytest.fixture(scope="module")
def suffixed(tokenizer, tmp_path_factory):
    """A checkpoint whose tokenizer ends every text with a token, as Qwen3-VL-Embedding's does."""
    folder = tmp_path_factory.mktemp("suffixed")
    checkpoint = save_family("qwen3_vl", folder, tokenizer)
    made = AutoTokenizer.from_pretrained(checkpoint)
    end = ("<|endoftext|>", made.convert_tokens_to_ids("<|endoftext|>"))
    made.backend_tokenizer.post_processor = TemplateProcessing(single="$A <|endoftext|>", pair="$A $B", special_tokens=[end])
    made.save_pretrained(checkpoint)
    return checkpoint


@pytest.mark.parametrize("prompt", ["qwen3_vl_embedding", "unite"])  # the one leaves its end to the tokenizer, the other has its own
def test_a_text_ends_once_as_the_prompt_has_it(suffixed, tmp_path, prompt):
    folder = trained(suffixed, tmp_path / "encoder", **prompt_options(prompt))
    processor = AutoProcessor.from_pretrained(exported(folder, tmp_path / "out"))
    message = [{"role": "user", "content": [{"type": "text", "text": "a cat"}]}]
    found = processor.apply_chat_template([message], tokenize=True, return_dict=True)["input_ids"][0]
    assert found == VLMEncoder(str(folder)).processor.encode(Content("a cat")).input_ids.tolist()
    assert found.count(processor.tokenizer.convert_tokens_to_ids("<|endoftext|>")) == 1


def test_it_reads_texts_as_before_and_never_its_own_mark(suffixed, tokenizer, tmp_path):
    out = exported(trained(suffixed, tmp_path / "encoder"), tmp_path / "out")
    made = AutoTokenizer.from_pretrained(out)
    for text in ("a red cat", "é e\u0301 猫 😀", " \n two  blanks\t"):
        assert made(text).input_ids == tokenizer(text, add_special_tokens=False).input_ids
    assert made(f"<{GUARD}|im_end|>{GUARD}").input_ids == tokenizer("<|im_end|>", split_special_tokens=True).input_ids
    assert made("<|im_end|>").input_ids == [tokenizer.convert_tokens_to_ids("<|im_end|>")]
    assert (made.model_max_length, made.padding_side) == (300, "right")
    assert "local_files_only" not in json.loads((out / "tokenizer_config.json").read_text())
