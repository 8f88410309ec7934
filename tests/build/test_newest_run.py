import os

import pytest
import yaml

from unite.build.newest_run import newest_run
from unite.errors import ConfigError

EMOJI = {"mixture": {"sources": {"t2i": {"world": {"_target_": "unite.worlds.emoji.EmojiWorld", "root": "data"}}}}}
OWN = {"mixture": {"sources": {"mine": {"shards": "data/mine", "world": None}}}, "world": {"_target_": "unite.worlds.emoji.EmojiWorld"}}


def run(folder, ended, config=EMOJI, has_encoder=True):
    (folder / "encoder").mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    if has_encoder:
        (folder / "encoder" / "config.json").write_text("{}")
    if ended is not None:
        (folder / "finished").touch()
        os.utime(folder / "finished", (ended, ended))
    return folder


def test_the_run_on_the_emoji_world_that_ended_last(tmp_path):
    run(tmp_path / "stage2_mamcl" / "old", 10)
    newest = run(tmp_path / "ablation" / "sweep_1" / "job", 20)
    run(tmp_path / "stage2_mamcl" / "goes_on", None)
    run(tmp_path / "stage2_mamcl" / "own_data", 30, OWN)
    run(tmp_path / "stage2_mamcl" / "cut", 40, has_encoder=False)
    run(tmp_path / "stage2_mamcl" / "other", 50, ["no", "config"])
    (run(tmp_path / "stage2_mamcl" / "damaged", 60) / "config.yaml").write_text("a: [")
    assert newest_run(tmp_path) == newest


def test_without_one_it_says_how_to_get_one(tmp_path):
    run(tmp_path / "stage2_mamcl" / "own_data", 30, OWN)
    with pytest.raises(ConfigError, match="a folder with a finished run on the emoji world, but is .*make train makes one"):
        newest_run(tmp_path)
