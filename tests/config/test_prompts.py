import pytest

from tests.composed import composed
from unite.config.folder import CONF
from unite.config.prompts import prompt_options
from unite.config.schema import EncoderConfig
from unite.errors import ConfigError


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "prompt").glob("*.yaml")))
def test_a_name_stands_for_what_the_command_line_composes(name):
    named = EncoderConfig(**prompt_options(name))
    config = composed("evaluate", "checkpoint=x", f"prompt={name}").encoder
    assert (vars(named.prompt), str(named.positions)) == (dict(config.prompt), str(config.positions))


def test_a_name_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="the prompt must be one of gme, .*vlm2vec, but is 'gm'. .*Did you mean 'gme'"):
        prompt_options("gm")
