import json

import pytest
from transformers import AutoTokenizer

from tests.encoder.checkpoints import save_family
from tests.export.material import exported, trained
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError
from unite.export.proof import check_tokens


def test_a_folder_that_says_a_prompt_otherwise_is_refused(tokenizer, tmp_path):
    encoder = trained(save_family("qwen2_vl", tmp_path, tokenizer), tmp_path / "encoder")
    out, expected = exported(encoder, tmp_path / "out"), VLMEncoder(str(encoder)).processor
    check_tokens(out, expected, "unite")
    file = out / "chat_template.jinja"
    template = file.read_text()
    for before, after in (("in one word:", "in two words:"), ('"guarded": ["<|"]', '"guarded": []')):
        file.write_text(template.replace(before, after))
        with pytest.raises(CheckpointError, match=r"a turn of the prompt unite in the export must be '.* in one word:.*', but is '"):
            check_tokens(out, expected, "unite")


def test_so_is_one_whose_tokenizer_lost_its_normaliser(tokenizer, tmp_path):
    encoder = trained(save_family("qwen2_vl", tmp_path, tokenizer), tmp_path / "encoder")
    out, expected = exported(encoder, tmp_path / "out"), VLMEncoder(str(encoder)).processor
    config = json.loads((out / "tokenizer_config.json").read_text())
    assert AutoTokenizer.from_pretrained(out).backend_tokenizer.normalizer is not None
    (out / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": "Qwen2Tokenizer"}))
    with pytest.raises(CheckpointError, match="A chat template cannot write this prompt as the encoder reads it"):
        check_tokens(out, expected, "unite")
