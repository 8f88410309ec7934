"""Every option composes, and what is wrong is said with its full path, at once."""

import os
import shutil
import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException, MissingConfigException

from unite.config.register import CONF, register
from unite.config.validate import combinations, errors_in

ROOT = CONF.parent
#: Options that the commands' own configs name.
NEEDED = {"tiny", "exported", "csv_wandb", "instruction", "tt", "ti", "tv", "fine_video", "fused", "infonce", "mamcl", "emoji", "people"}
NEEDED |= {
    "ti_fine",
    "near_duplicates",
    "exact_duplicates",
    "text_pattern",
    "text_length",
    "image_contrast",
}  # of an alignment, of the stamps
NEEDED |= {"image_captions", "video_captions"}


MINE = """# @package encoder
# A prompt of my own.
prompt:
  name: mine
  template: "{instruction}\\n{content}<|endoftext|>"
  default_instruction: Find it.
"""


def composed(*overrides):
    return of_command("train", *overrides)


def of_command(command, *overrides):
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(command, list(overrides))


def test_every_option_and_experiment_composes():
    count, errors = errors_in(CONF)
    assert errors == [] and count == len(list(combinations(CONF)))


def test_every_file_is_composed_at_least_once():
    named = {override.rpartition("=")[2].rpartition("/")[2] for _, overrides in combinations(CONF) for override in overrides}
    assert {path.relative_to(CONF).with_suffix("").parts[-1] for path in CONF.glob("*/**/*.yaml")} <= named


def test_all_errors_are_listed_at_once(tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    for group in ("encoder", "experiment", "logger", "mixture", "objective", "recipe", "step", "suite"):  # what no default needs
        for option in (conf / group).rglob("*.yaml"):
            if option.stem not in NEEDED:
                option.unlink()
    (conf / "objective" / "broken.yaml").write_text("defaults:\n  - mamcl_schema\n  - _self_\n\ntemprature: 0.1\n")
    (conf / "experiment" / "broken.yaml").write_text("# @package _global_\ntrainer:\n  max_steps: many\n")
    (conf / "step" / "broken.yaml").write_text("_target_: unite.curation.steps.text_length.TextLengthh\n")
    (conf / "recipe" / "broken.yaml").write_text("_target_: unite.curation.recipes.mmeb.Mmeb\nannotations: ???\nimages: there\n")
    task = "{_target_: unite.evaluation.layouts.mmeb.Mmeb, folder: 3, subset: [x]}"
    (conf / "suite" / "broken.yaml").write_text(f"defaults: [schema, _self_]\nname: broken\ntasks:\n  a: {task}\n")
    _, errors = errors_in(conf)
    assert len(errors) == 7  # train, evaluate and audit have suites
    assert any("objective=broken" in error and "temprature" in error for error in errors)
    assert any("+experiment=broken" in error and "many" in error for error in errors)
    assert any(
        "steps.x._target_ must be one of" in error and "Did you mean 'unite.curation.steps.text_length.TextLength'" in error
        for error in errors
    )
    assert any("an option of recipes.x must be one of" in error and "but is 'images'" in error for error in errors)
    assert sum("suite.tasks.a.subset must be a valid string, but is ['x']" in error for error in errors) == 3


def test_the_groups_the_stages_take_can_be_swapped():
    config = composed("+experiment=stage1_adaptation")
    assert config.adaptation.objective._target_ == "unite.objective.InfoNCE" and config.adaptation.objective.symmetric
    config = composed("+experiment=stage1_adaptation", "objective=mamcl", "mixture=tt_tv", "trainer.max_steps=7")
    assert config.adaptation.objective._target_ == "unite.objective.MAMCL" and config.adaptation.max_steps == 7
    assert set(config.adaptation.mixture.sources) == {"t2t", "t2v", "v2t"}
    assert composed("+experiment=stage2_mamcl", "alignment=none").alignment.max_steps == 0
    config = composed("+experiment=stage2_mamcl", "alignment=fine_grained_video")
    assert set(config.alignment.mixture.sources) == {"t2v_fine", "v2t_fine"} and config.alignment.max_steps > 0


def test_a_prompt_belongs_to_the_encoder(tmp_path):
    for command in ("train", "evaluate"):
        for group in ("encoder=qwen2_vl_2b", "encoder=tiny"):
            config = of_command(command, group, "prompt=vlm2vec").encoder
            assert (config.prompt.name, config.prompt.template, config.positions) == ("vlm2vec", "{content}", "sequential")
    assert of_command("train", "encoder=tiny").encoder.prompt.name == "unite"
    own = "+encoder.prompt={name: mine, template: '{content}<|endoftext|>'}"  # what an encoder option of one's own brings is kept
    assert of_command("train", own).encoder.prompt.name == "mine"
    (tmp_path / "prompt").mkdir()
    (tmp_path / "prompt" / "mine.yaml").write_text(MINE)
    config = of_command("train", "prompt=mine", f"hydra.searchpath=[file://{tmp_path}]").encoder
    assert (config.prompt.name, config.prompt.default_instruction) == ("mine", "Find it.")
    with pytest.raises(MissingConfigException, match="prompt must be one of gme, plain, .*vlm2vec, but is 'gm'"):
        composed("prompt=gm")


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("trainer.max_stepz=3", ConfigCompositionException, "trainer.max_stepz"),
        ("data.batch_size=many", ConfigCompositionException, "data.batch_size"),
        ("encoder.positions=spiral", ConfigCompositionException, "positions"),
        ("mixture=nonsense", MissingConfigException, "tt_ti_tv"),
        ("mixture.sources.t2t.nam=x", ConfigCompositionException, "nam"),
    ],
)
def test_a_wrong_override_names_itself(override, error, message):
    with pytest.raises(error) as caught:
        composed("+experiment=stage2_mamcl", override)
    assert message in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [(["--help"], 0, "mixture=instruction"), (["encoder.typo=1"], 1, "an option of encoder must be one of adapter, ")],
)
def test_help_and_errors_need_no_torch(arguments, code, message, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('torch was imported')")
    command = [sys.executable, "-m", "unite.train", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert done.returncode == code, done.stderr
    assert message in done.stdout + done.stderr
