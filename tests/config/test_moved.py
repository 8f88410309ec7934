from dataclasses import asdict

import pytest
import yaml

from unite.config.moved import as_of_today
from unite.config.schema import PromptConfig
from unite.errors import ConfigError
from unite.runs import RunFolder

#: As commit 2ff6e78 wrote them.
OLD = {
    "world": {"_target_": "unite.curation.emoji_world.EmojiWorld", "seed": 0},
    "encoder": {"_target_": "unite.encoder.VLMEncoder", "adapter": {"_target_": "unite.encoder.LoRA", "r": 8}},
    "optimizer": {"_target_": "unite.training.optimizer.AdamWCosine", "lr": 0.001},
}
TODAY = {
    "world": {"_target_": "unite.worlds.emoji.EmojiWorld", "seed": 0},
    "encoder": {"_target_": "unite.encoder.vlm.VLMEncoder", "adapter": {"r": 8}},
    "optimizer": {"_target_": "unite.training.adamw.AdamWCosine", "lr": 0.001},
}


def test_a_name_of_before_is_read_as_todays():
    old = {
        "a._target_": "unite.encoder.VLMEncoder",
        "b._target_": "unite.encoder.LoRA",
        "c._target_": "mine.Own",
        "d": "unite.encoder.VLMEncoder",
    }
    assert as_of_today(old) == {"a._target_": "unite.encoder.vlm.VLMEncoder", "c._target_": "mine.Own", "d": "unite.encoder.VLMEncoder"}


def test_a_run_of_before_is_resumed_under_todays_names(tmp_path, caplog):
    run = RunFolder(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(OLD))
    run.write_config(yaml.safe_dump(TODAY))
    assert not caplog.records and (tmp_path / "config.resumed.yaml").is_file()


def test_a_run_of_before_there_were_prompts_had_unites(tmp_path, caplog):
    run, encoder = RunFolder(tmp_path), {"system_prompt": None}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"encoder": encoder}))
    run.write_config(yaml.safe_dump({"encoder": encoder | {"prompt": asdict(PromptConfig())}}))
    assert not caplog.records
    gme = asdict(PromptConfig(name="gme", template="{content}", after_medium=""))
    with pytest.raises(ConfigError, match="encoder.prompt.name of the resumed run must be 'unite', but is 'gme'"):
        run.write_config(yaml.safe_dump({"encoder": encoder | {"prompt": gme}}))


def test_a_run_whose_built_in_encoder_had_other_tokens_is_not_resumed(tmp_path):
    run = RunFolder(tmp_path)
    before = {"_target_": "unite.encoder.build_tiny_checkpoint", "hidden_size": 96, "seed": 0}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"encoder": {"checkpoint": before}}))
    with pytest.raises(
        ConfigError, match=r"must be begun by this version, but is 'by commit 2ff6e78 or earlier.*Finish the run with that version"
    ):
        today = before | {"_target_": "unite.encoder.tiny.build_tiny_checkpoint", "architecture": "qwen2_vl"}
        run.write_config(yaml.safe_dump({"encoder": {"checkpoint": today}}))
