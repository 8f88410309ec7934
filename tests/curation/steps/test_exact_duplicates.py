import pytest

from tests.curation.material import collection, row
from tests.curation.steps.material import drops
from tests.media.material import image_medium
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.errors import ConfigError


def test_exact_duplicates():
    rows = [
        row("A cat", "a feline"),
        row("a  CAT ", "a feline"),
        row("a cat", "another"),
        row("a dog", "a feline"),
        row("a cat", "a feline", query_media=[image_medium()]),
        row("a cat", "a feline", query_media=[image_medium()]),
    ]
    verdict = ExactDuplicates().judge_set(collection(rows))
    assert drops(verdict) == {1: "exact duplicate", 5: "exact duplicate"} and verdict.drops[1].detail == "of s/0"
    assert sorted(ExactDuplicates(of="query").judge_set(collection(rows)).drops) == [1, 2, 5]
    assert sorted(ExactDuplicates(of="positive").judge_set(collection(rows)).drops) == [1, 3, 4, 5]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExactDuplicates(of="rows"), "exact_duplicates.of must be one of positive, query, row, but is 'rows'. Did you mean 'row'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
