import pytest

from unite.errors import DataError
from unite.search.hits import Hit, QueryPart, Search
from unite.types import Modality


@pytest.mark.parametrize("weight", [0.0, float("nan"), float("inf")])
def test_a_weight_that_says_nothing_is_refused(weight: float) -> None:
    with pytest.raises(DataError, match="weight of a query's part must be a number other than 0"):
        QueryPart("a", weight)


@pytest.mark.parametrize(
    ("search", "why"),
    [
        ({}, "for something"),
        ({"words": "  "}, "for something"),
        ({"words": "a", "k": 0}, "k and offset"),
        ({"like": ["a"], "offset": -1}, "k and"),
    ],
)
def test_a_search_that_cannot_be_answered_is_refused(search: dict, why: str) -> None:
    with pytest.raises(DataError, match=why):
        Search(**search)


@pytest.mark.parametrize(
    ("modality", "medium"), [("text", None), ("text+image", Modality.IMAGE), ("video", Modality.VIDEO), ("image+video", Modality.IMAGE)]
)
def test_the_first_medium_of_a_hit(modality: str, medium: Modality | None) -> None:
    assert Hit("a", 1.0, "a.png", modality).medium is medium
