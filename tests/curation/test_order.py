import re

import pytest
from omegaconf import OmegaConf

from tests.commands import ROOT
from unite.config.register import CONF
from unite.config.target import find_target
from unite.curation.order import in_order, order_told
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.image_size import ImageSize
from unite.curation.steps.near_duplicates import NearDuplicates
from unite.curation.steps.text_length import TextLength
from unite.errors import ConfigError


def test_row_wise_steps_come_first_and_each_kind_keeps_its_order():
    twice, long, near, size = ExactDuplicates(), TextLength(), NearDuplicates(), ImageSize()
    assert in_order([twice, long, near, size]) == ([long, size], [twice, near])


def test_the_order_is_told_and_why_it_is_another():
    expected = "steps, row by row: text_length; then over the whole set: exact_duplicates"
    assert order_told([TextLength(), ExactDuplicates()]) == expected
    assert order_told([ExactDuplicates(), TextLength()]).startswith(f"{expected} (those that judge row by row run first")
    assert order_told([ExactDuplicates()]) == "steps, over the whole set: exact_duplicates"
    assert order_told([]) == "no steps: every row that can be read, with its media, is kept"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            [TextLength(), TextLength()],
            r"steps must be unique.*but is 'text_length'. Give one another name: steps.<key>.name=\.\.\.",
        ),
        ([TextLength(name="read")], "unique, and neither read nor media, but is 'read'"),
        ([3], "a step must be an object with judge_row or judge_set, but is 'int'"),
    ],
)
def test_what_cannot_be_ordered_is_refused(steps, message):
    with pytest.raises(ConfigError, match=message):
        in_order(steps)


def test_the_readme_and_the_help_say_how_each_step_judges():
    table = dict(
        re.findall(r"^\| `(\w+)` \| .* \| (\S+-wise) \| .+ \|$", (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    options = {path.stem: path.read_text(encoding="utf-8") for path in (CONF / "step").glob("*.yaml")}
    assert set(table) == set(options)
    for name, text in options.items():
        step = find_target(OmegaConf.create(text)._target_, name)
        kind = "row-wise" if hasattr(step, "judge_row") else "set-wise"
        assert table[name] == kind and text.startswith(f"# {kind.capitalize()}: ")
