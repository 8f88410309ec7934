import pyarrow as pa
import pytest
from pyarrow import csv

from tests.curation.recipes.material import json_lines, parquet, read_all, read_texts
from tests.written import write_csv
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
    with pytest.raises(DataError, match="one is the anchor .anchor, query, .*but is 'text'. Set one.anchor"):
        TextPairs("one", write_csv(tmp_path / "one.csv", ["text"], [["a"]]))


def test_an_index_and_an_id_are_no_query(tmp_path):
    table = pa.table({"id": ["q1"], "anchor": ["a cat"], "positive": ["a feline"], "negative": ["a dog"]})
    csv.write_csv(table, tmp_path / "a.csv")
    (row,) = read_all(TextPairs("t", tmp_path / "a.csv"))
    assert (row.query.text, row.positives[0].text, row.negatives[0].text, row.metadata) == ("a cat", "a feline", "a dog", {"id": "q1"})
    index = write_csv(tmp_path / "b.csv", ["", "answer", "question"], [["0", "he", "who?"]])  # as pandas writes its index
    assert read_texts(TextPairs("t", index)) == [("who?", "he")]


def test_columns_within_objects(tmp_path):
    squad = json_lines(tmp_path / "a.jsonl", [{"question": "who?", "answers": {"text": ["he", "she"]}, "wrong": {"text": "it"}}])
    (row,) = read_all(TextPairs("t", squad, positive="answers.text", negatives=["wrong.text"]))
    assert [one.text for one in row.positives] == ["he", "she"] and row.negatives[0].text == "it"


def test_negatives_that_only_later_records_have(tmp_path):
    records = [{"query": "a", "positive": "b"}] * 200 + [{"query": "a", "positive": ["b", 3], "negative_1": ["c", None, 5], "neg": "d"}]
    last = read_all(TextPairs("t", json_lines(tmp_path / "a.jsonl", records)))[-1]
    assert [one.text for one in last.positives] == ["b", "3"] and [one.text for one in last.negatives] == ["c", "5", "d"]


def test_what_is_no_text_in_a_list_is_named_and_not_dropped(tmp_path):
    records = [
        {"query": "a", "positive": "b", "negative": [{"text": "c"}]},
        {"query": "a", "positive": [["b"]]},
        {"query": "a", "positive": []},
    ]
    assert read_texts(TextPairs("t", json_lines(tmp_path / "a.jsonl", records))) == [
        "unreadable record: negative is dict, not text",
        "unreadable record: positive is list, not text",
        "empty field: positive is empty",
    ]


@pytest.mark.parametrize("options", [{"anchor": "querry"}, {"positive": "querry"}, {"negatives": ["negative", "querry"]}])
def test_a_column_that_an_option_names_and_the_table_lacks_is_an_error(tmp_path, options):
    table = write_csv(tmp_path / "a.csv", ["query", "positive", "negative"], [["q", "p", "n"]])
    message = rf"such that querry is among them.*The columns found are: query, positive, negative. Set t.{next(iter(options))}=\.\.\. to"
    with pytest.raises(DataError, match=message):
        TextPairs("t", table, **options)
