import pytest
from omegaconf import OmegaConf

from tests.composed import composed
from unite.build.component import build
from unite.errors import ConfigError


def test_what_a_component_says_about_its_config_is_shown_as_it_is():
    config = OmegaConf.create({"_target_": "unite.evaluation.mteb_suite.MtebSuite", "tasks": []})
    with pytest.raises(ConfigError, match="^suite.tasks must be at least one"):
        build(config, "suite")


def test_an_unknown_modality_has_no_weight():
    config = composed("train", "+objective.modality_weights.scent=2")
    with pytest.raises(Exception, match="modality must be one of .*image, text, video, but is 'scent'"):
        build(config.objective, "objective")
