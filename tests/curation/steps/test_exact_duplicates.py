import pytest

from tests.curation.material import Rows, collection, row
from tests.curation.steps.material import drops
from tests.media.material import image_medium
from unite.curation.pipeline import Curation
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.data.shards import ShardReader
from unite.errors import ConfigError
from unite.files import read_lines


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


def test_rows_under_other_instructions_are_no_duplicates():
    instructions = ["Find the same.", "find  the SAME.", "Find the opposite.", ""]
    rows = [row("warm", "hot", instruction=one) for one in instructions]
    for of, dropped in (("row", [1]), ("query", [1]), ("positive", [1, 2, 3])):
        assert sorted(ExactDuplicates(of=of).judge_set(collection(rows)).drops) == dropped


def test_only_equal_pairs_hand_their_negatives_over():
    rows = [row("a cat", "a feline"), row("a cat", "a kitten"), row("A cat", "A feline"), row("a cat", "a feline", instruction="Find it.")]
    assert ExactDuplicates().judge_set(collection(rows)).merged == {0: [2]}
    verdict = ExactDuplicates(of="query").judge_set(collection(rows))
    assert sorted(verdict.drops) == [1, 2] and verdict.merged == {0: [2]}


def test_all_different_negatives_of_equal_pairs_come_into_the_set_in_their_order(tmp_path):
    rows = [
        row("a cat", "a feline", negatives=["a dog", "a cow"]),
        row("a bird", "a robin", negatives=["a fish"]),
        row("a cat", "A feline", negatives=["A  DOG", "a horse"]),
        row("a fish", "a trout"),
        row("a cat", "a feline", negatives=["a cow", "a mouse", "a dog"]),
    ]
    sheet = Curation([Rows(rows)], [ExactDuplicates()], out=tmp_path, rows_per_part=2, workers=1, progress=False).run()
    written = list(ShardReader.of_folder(tmp_path / "rows" / "text-to-text"))
    assert [[one.text for one in found.negatives] for found in written] == [["a dog", "a cow", "a horse", "a mouse"], ["a fish"], []]
    assert sheet["totals"]["negatives"] == 5 and sheet["totals"]["merged_negatives"] == 2
    assert "of which 2 were taken over from exact duplicates" in (tmp_path / "datasheet.html").read_text()
    lines = [line for path in tmp_path.rglob("*.rows.jsonl") for line in read_lines(path)]
    assert [(line["negatives"], line.get("merged_negatives", 0)) for line in lines] == [(4, 2), (1, 0), (0, 0)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExactDuplicates(of="rows"), "exact_duplicates.of must be one of positive, query, row, but is 'rows'. Did you mean 'row'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
