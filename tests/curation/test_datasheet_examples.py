import pytest

from unite.curation.datasheet_examples import is_wide, short_detail, shown_sources
from unite.curation.examples import Example, Shown, SourceExamples, StepExamples
from unite.media.preview import Preview


def test_steps_stand_beside_their_numbers():
    funnel = [
        {"step": "read", "in": 9, "out": 9, "dropped": {}},
        {"step": "text_length", "in": 9, "out": 5, "dropped": {"short": 1, "long": 3}},
    ]
    examples = [SourceExamples("s", (StepExamples("text_length", (Example("1"),), (Example("2"),)),), ())]
    (source,) = shown_sources({"s": {"in": 9, "out": 5, "funnel": funnel}, "t": {"in": 0, "out": 0, "funnel": []}}, examples)
    (step,) = source.steps
    assert (source.name, source.came, source.left) == ("s", 9, 5)
    assert (step.name, step.came, step.left, step.reasons) == ("text length", 9, 5, (("long", 3), ("short", 1)))
    assert [one.key for one in (*step.dropped, *step.kept)] == ["1", "2"]


@pytest.mark.parametrize(
    ("kinds", "broken", "wide"), [([], (), True), (["image"], (), False), (["video"], (), True), ([], ("gone",), False)]
)
def test_texts_alone_and_strips_of_frames_take_more_room(kinds, broken, wide):
    side = Shown(Preview("text", pictures=tuple((kind, "") for kind in kinds)), broken)
    assert is_wide(Example("1", (Shown(Preview("query")), side))) == wide


@pytest.mark.parametrize(
    ("detail", "short"),
    [
        ("/data/a/long/way/down/to/it/cat.jpg is 3 x 4", "cat.jpg is 3 x 4"),
        ("of pictures/000000001", "of pictures/000000001"),
        ("x" * 200, "x" * 119 + "…"),
        ("", ""),
    ],
)
def test_what_is_so_of_a_row_is_short(detail, short):
    assert short_detail(detail) == short
