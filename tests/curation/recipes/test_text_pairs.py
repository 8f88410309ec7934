import pytest

from tests.curation.material import write_csv
from tests.curation.recipes.material import json_lines, parquet, read_all
from unite.curation.recipes.text_pairs import TextPairs
from unite.errors import DataError


def test_text_pairs_and_triplets(tmp_path):
    nli = parquet(
        tmp_path / "nli.parquet", [{"anchor": "a", "positive": "b", "negative": "c"}, {"anchor": "a", "positive": None, "negative": "c"}]
    )
    first, second = read_all(TextPairs("nli", nli, instruction="Find what follows"))
    assert (first.query.text, first.positives[0].text, [one.text for one in first.negatives]) == ("a", "b", ["c"])
    assert first.query.instruction == "Find what follows" and second == "empty field"
    nq = json_lines(tmp_path / "nq.jsonl", [{"query": "who?", "answer": ["he", "she"], "id": 3}])
    (pair,) = read_all(TextPairs("nq", nq))
    assert [one.text for one in pair.positives] == ["he", "she"] and pair.metadata == {"id": "3"}
    mined = write_csv(tmp_path / "m.csv", ["query", "positive", "negative_1", "negative_2"], [["q", "p", "n1", ""]])
    assert [one.text for one in read_all(TextPairs("m", mined))[0].negatives] == ["n1"]
    with pytest.raises(DataError, match="at least two, anchor and positive"):
        TextPairs("one", write_csv(tmp_path / "one.csv", ["text"], [["a"]]))
