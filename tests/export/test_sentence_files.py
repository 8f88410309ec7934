"""The files, by the rules of those who read them and cannot run here: vLLM's `get_pooling_config`, text-embeddings-inference's router."""

import json

from unite.config.schema import ReadingConfig
from unite.export.sentence_files import write_sentence_files


def written(folder, **settings):
    write_sentence_files(folder, ReadingConfig(**settings), 32, {"query": "Find it."})
    return {path.relative_to(folder).as_posix(): json.loads(path.read_text()) for path in folder.rglob("*.json")}


def test_vllm_finds_last_token_pooling_and_unit_length(tmp_path):
    """vLLM takes these two names of modules alone, and of the pooling's entries the first or only mode that is true."""
    files = written(tmp_path)
    kinds = {module["type"]: module["path"] for module in files["modules.json"]}
    pooling = files[f"{kinds['sentence_transformers.models.Pooling']}/config.json"]
    assert next(name for name, value in pooling.items() if value is True) == "pooling_mode_lasttoken"
    assert [name for name, value in pooling.items() if value is True and name.startswith("pooling_mode_")] == ["pooling_mode_lasttoken"]
    assert "sentence_transformers.models.Normalize" in kinds


def test_lengths_are_where_vllm_and_text_embeddings_inference_look(tmp_path):
    told = written(tmp_path, max_length=512)["sentence_bert_config.json"]
    assert (told["max_seq_length"], told["do_lower_case"]) == (512, False)


def test_text_embeddings_inference_finds_every_mode_that_it_asks_for(tmp_path):
    pooling = written(tmp_path)["1_Pooling/config.json"]
    asked = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken")
    assert [pooling[f"pooling_mode_{mode}"] for mode in asked] == [False] * 4 + [True]


def test_nothing_asks_for_code_of_ours(tmp_path):
    files = written(tmp_path)
    assert all(module["type"].startswith("sentence_transformers.") for module in files["modules.json"])
    assert files["config_sentence_transformers.json"]["prompts"] == {"query": "Find it.", "document": ""}
    assert files["sentence_bert_config.json"]["processing_kwargs"]["video"] == {"do_sample_frames": False}
