import pytest
import yaml

from unite.config.register import CONF
from unite.config.schema import PromptConfig, ReadingConfig
from unite.errors import ConfigError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"template": "Summary in one word:"}, "encoder.prompt.template must be a text with {content} in it, once, but is 'Summary in one"),
        ({"template": "{content} {content}"}, "encoder.prompt.template must be a text with {content} in it, once"),
        (
            {"template": "{contents}"},
            "a place in encoder.prompt.template must be one of {content}, {instruction_turn}, {instruction}, .*Did you mean '{content}'",
        ),
        ({"name": "unite", "template": "{content}"}, "encoder.prompt.name must be another than that of UNITE's template, but is 'unite'"),
        (
            {"template": "{content}", "default_instruction": "Find it."},
            "encoder.prompt.default_instruction must be empty, but is 'Find it.'",
        ),
    ],
)
def test_a_template_has_its_places(settings, message):
    with pytest.raises(ConfigError, match=message):
        PromptConfig(**{"name": "mine"} | settings)


def test_other_braces_are_text():
    assert PromptConfig(name="mine", template='{"a": {content}}').template == '{"a": {content}}'


def test_without_marks_positions_are_plain():
    bare = PromptConfig(name="mine", template="{content}", media_marks=False)
    assert ReadingConfig(prompt=bare, positions="sequential").prompt is bare
    with pytest.raises(
        ConfigError, match="encoder.positions must be sequential, but is 'mrope'. The prompt mine has no marks around media"
    ):
        ReadingConfig(prompt=bare)


@pytest.mark.parametrize("option", sorted((CONF / "prompt").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_option_bears_its_own_name(option):
    options = (yaml.safe_load(option.read_text()) or {}).get("prompt", {})
    assert PromptConfig(**options).name == option.stem
