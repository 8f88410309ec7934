import pytest

from unite.curation.recipes.pair_columns import find_negatives, find_pair, negatives_among
from unite.errors import DataError


@pytest.mark.parametrize(
    ("columns", "pair"),
    [
        (["id", "anchor", "positive", "negative"], ("anchor", "positive")),
        (["Unnamed: 0", "query", "answer"], ("query", "answer")),
        (["answer", "question"], ("question", "answer")),  # by name, in any order
        (["sentence1", "sentence2"], ("sentence1", "sentence2")),
        (["Sentence_1", "Sentence 2"], ("Sentence_1", "Sentence 2")),
        (["query", "pos", "neg"], ("query", "pos")),
        (["question", "anchor", "answer", "positive"], ("anchor", "positive")),  # said outright
        (["query", "positive", "score"], ("query", "positive")),  # a score of the miner; that it is a positive is said
        (["premise", "query", "positive", "hypothesis"], ("query", "positive")),
    ],
)
def test_a_pair_is_found_by_its_names(columns, pair):
    assert find_pair("t", "t.csv", columns, "", "") == pair


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["0", "1"], r"such that one is the anchor \(anchor, query, .*but is '0, 1'. Set t.anchor=\.\.\. to the column that is meant."),
        (["", "text", "target"], r"Set t.anchor"),
        (["query", "question", "answer"], r"but is 'query and question among query, question, answer'. Set t.anchor"),
        (["query", "text"], r"such that one is the positive \(positive, .*but is 'query, text'. Set t.positive"),
        (["query", "answer", "passage"], r"'answer and passage among query, answer, passage'. Set t.positive"),
        (
            ["sentence1", "sentence2", "label"],
            r"without a label or score, but is 'with label among .*; t.positive=sentence2 then takes every",
        ),
    ],
)
def test_doubt_is_refused_with_the_columns_found_and_the_option_to_set(columns, message):
    with pytest.raises(DataError, match=message):
        find_pair("t", "t.csv", columns, "", "")


def test_an_option_ends_the_doubt():
    assert find_pair("t", "t.csv", ["0", "1"], "1", "0") == ("1", "0")
    assert find_pair("t", "t.csv", ["query", "question", "answer"], "question", "") == ("question", "answer")
    assert find_pair("t", "t.csv", ["sentence1", "sentence2", "label"], "", "sentence2") == ("sentence1", "sentence2")
    assert find_pair("t", "t.csv", ["answer", "positive"], "answer", "") == ("answer", "positive")


def test_negatives_are_found_by_their_names():
    columns = ["query", "negative", "negative_2", "Hard-Negative", "hard_negatives_1", "neg", "neg3", "negative_id", "neg_scores"]
    assert find_negatives("t", "t.csv", columns) == tuple(columns[1:7]) == negatives_among(columns)
    assert find_negatives("t", "t.csv", ["query", "negotiation", "positive"]) == ()
    for doubtful in ("negative_passages", "hard_negative_text", "neg_doc"):
        message = (
            rf"but is '{doubtful}'. The columns found are: query, {doubtful}. Set t.negatives=\[...\] to those that hold texts, or to \[\]"
        )
        with pytest.raises(DataError, match=message):
            find_negatives("t", "t.csv", ["query", doubtful])
