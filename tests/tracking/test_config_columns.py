"""`recorded.py` too: what a resolved config says of its run."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from unite.config.register import CONF, register
from unite.tracking.config_columns import config_columns, flat
from unite.tracking.recorded import adaptation_shares, batch_size_of, mixture_shares, stage_lengths


@pytest.fixture(scope="module")
def config():
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", ["+experiment=stage2_mamcl", "run_folder=runs/x", "mixture=tt_ti", "data.batch_size=64"])
    return OmegaConf.to_container(composed, resolve=True, enum_to_str=True)


def test_each_setting_is_a_column_once(config):
    columns = flat(config_columns(config, {"mixture": "tt_ti", "objective": "mamcl", "hydra/launcher": "basic"}))
    before = flat(config)
    assert len(columns) < 0.6 * len(before)
    assert columns["option.mixture"] == "tt_ti"
    assert not any("launcher" in key for key in columns)
    assert columns["mixture.shares.t2i"] == before["mixture.shares.t2i"] == before["adaptation.mixture.shares.t2i"]
    assert not any(
        key.startswith(("adaptation.mixture", "adaptation.objective", "adaptation.optimizer", "adaptation.max_steps")) for key in columns
    )
    assert not any(".world." in key for key in columns)
    assert columns["world.seed"] == before["world.seed"]
    assert columns["mixture.each_source.neighbours"] == before["mixture.sources.t2i.neighbours"]
    assert columns["mixture.sources.t2i.query"] == "text"
    assert columns["trainer.max_steps"] == before["adaptation.max_steps"]


def test_what_the_stage_has_of_its_own_stays(config):
    own = {**config, "adaptation": {**config["adaptation"], "objective": {"temperature": 0.5}, "max_steps": 7}}
    columns = flat(config_columns(own))
    assert columns["adaptation.objective.temperature"] == 0.5
    assert columns["adaptation.max_steps"] == 7


def test_a_stage_of_no_steps_says_nothing_else(config):
    columns = flat(config_columns({**config, "alignment": {**config["alignment"], "max_steps": 0}}))
    assert {key: value for key, value in columns.items() if key.startswith("alignment")} == {"alignment.max_steps": 0}


def test_what_a_config_says_of_its_run(config):
    assert batch_size_of(config) == 64
    assert stage_lengths(config) == {"alignment": config["alignment"]["max_steps"], "adaptation": config["trainer"]["max_steps"]}
    shares = adaptation_shares(config)
    assert sum(shares.values()) == pytest.approx(1)
    given = config["mixture"]["shares"]
    assert shares["t2i"] / shares["t2t"] == pytest.approx(given["t2i"] / given["t2t"])
    by_size = {**config["mixture"], "shares": None, "temperature": 2.0}
    assert mixture_shares(by_size) == {}
