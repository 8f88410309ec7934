"""Against sentence-transformers in `test_embedder.py`; here what is wrong."""

import pytest

from unite.embedding.prompts import NamedPrompts
from unite.errors import ConfigError


def test_a_prompt_is_given_by_name_or_itself(caplog):
    prompts = NamedPrompts({"query": "Find it.", "none": None}, "query")
    assert prompts.instruction(None, None) == prompts.instruction(None, "query") == "Find it."
    assert prompts.instruction(None, "none") == prompts.instruction(None, "document") == prompts.instruction("", None) == ""
    assert not caplog.messages and prompts.instruction("Mine.", "query") == "Mine."
    assert caplog.messages == ["both a prompt and a prompt_name are given: the prompt is taken."]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NamedPrompts({"a": 5}, None), r"prompts\['a'\] must be a string, the instruction, but is 'int'"),
        (lambda: NamedPrompts({"a": "b"}, "c"), "default_prompt_name must be one of a, document, query, but is 'c'. Give it in prompts="),
        (
            lambda: NamedPrompts({}, None).instruction(None, "qery"),
            "prompt_name must be one of document, query, but is 'qery'.* mean 'query'",
        ),
        (lambda: NamedPrompts({}, None).instruction(5, None), "prompt must be a string, the instruction, but is 'int'"),
    ],
)
def test_what_is_no_prompt_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
