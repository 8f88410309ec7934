"""Repositories in the true layout, written by Hugging Face's library; each fault that a user can meet is made in one of them.

So are `hub_table.py` and `qrels.py` tested.
"""

import pyarrow.parquet as pq
import pytest

from tests.evaluation.layouts.beir_material import picture, write_config, write_repository
from unite.config.schema.evaluation import SuiteConfig
from unite.config.schema.media import Decoding
from unite.errors import ConfigError, DataError
from unite.evaluation.layouts.beir import Beir
from unite.evaluation.layouts.source import MissingTaskError
from unite.evaluation.suite import Suite
from unite.types import Modality

FOLDER = "vidore/reports_v2"


def load(root, **options):
    return Beir(folder=FOLDER, **options).load("reports", root, Decoding())


@pytest.fixture
def rows(tmp_path):
    """queries, qrels and pages of a repository in `tmp_path`."""
    return write_repository(tmp_path / FOLDER)


def test_queries_pages_and_grades_are_those_of_the_files(tmp_path, rows):
    task = load(tmp_path, query_instruction="Find a page:", candidate_instruction="Understand the page.", metrics=("ndcg_linear@5",))
    queries, _, pages = rows
    assert [(one.decode().text, one.decode().instruction) for one in task.queries] == [(row["query"], "Find a page:") for row in queries]
    assert task.candidate_ids == [str(row["corpus-id"]) for row in pages]
    for row, content in zip(pages, task.candidates, strict=True):
        assert content.stored.media[0].data == row["image"]["bytes"] and content.stored.media[0].extension == "png"
        assert (content.stored.text, content.stored.instruction) == ("", "Understand the page.")
    assert task.relevance["100"] == {"0": 2, "1": 1}  # of repeats the highest; 0 is none
    assert task.relevance["111"] == {"11": 2, "0": 1}
    assert (task.query_modality, task.candidate_modality, task.metrics) == (Modality.TEXT, Modality.IMAGE, ("ndcg_linear@5",))


def test_an_encoder_that_knows_finds_the_page_of_grade_2_first(tmp_path, rows, knowing):
    suite = Suite(SuiteConfig(name="pages", tasks={"reports": Beir(folder=FOLDER, metrics=("hit@1", "ndcg@5"))}, data_root=str(tmp_path)))
    result = suite.run(knowing).tasks["reports"]
    assert result.metrics["hit@1"] == 1.0 and result.num_candidates == 12
    assert {judged.ranks[0] for judged in result.judged.values()} == {1}


@pytest.mark.parametrize(("ids", "name"), [("int64", int), ("string", "page {:05d}.jpg".format)])
def test_ids_may_be_numbers_or_texts(ids, name, tmp_path):
    write_repository(tmp_path / FOLDER, ids=ids, name=name)
    task = load(tmp_path)
    assert task.candidate_ids[3] == str(name(3)) and task.relevance[str(name(103))] == {str(name(3)): 2, str(name(4)): 1}


def test_categories_of_pandas_are_texts(tmp_path, rows):
    path = tmp_path / FOLDER / "queries" / "test-00000-of-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "query", table["query"].dictionary_encode()), path)
    assert load(tmp_path).queries[3].decode().text == "Where is 3?"


def test_ids_of_two_kinds_are_not_taken_for_one_another(tmp_path, rows):
    _, qrels, pages = rows
    as_texts = [{**row, "query-id": str(row["query-id"]), "corpus-id": str(row["corpus-id"])} for row in qrels]
    write_config(tmp_path / FOLDER, "qrels", as_texts, ids="string")
    with pytest.raises(DataError, match="the column 'query-id' of qrels of task reports must be of whole numbers, as that of queries"):
        load(tmp_path)
    write_config(tmp_path / FOLDER, "qrels", qrels)
    corpus = tmp_path / FOLDER / "corpus"
    second = (corpus / "test-00001-of-00002.parquet").read_bytes()
    write_config(tmp_path / FOLDER, "corpus", [{**row, "corpus-id": str(row["corpus-id"])} for row in pages], num_shards=2, ids="string")
    (corpus / "test-00001-of-00002.parquet").write_bytes(second)
    with pytest.raises(DataError, match=r"'corpus-id' of corpus .*of one kind in all files, but is 'texts in test-00000-of-00002"):
        load(tmp_path)


def test_a_language_is_the_rows_of_it_against_all_pages(tmp_path, rows):
    task = load(tmp_path, language="english")
    assert task.query_ids == ["100", "103", "106", "109"] and len(task.candidate_ids) == 12
    with pytest.raises(DataError, match=r"one that queries are in \(english, french\), but is 'klingon'"):
        load(tmp_path, language="klingon")


def test_a_query_of_two_languages_may_have_one_id_where_one_is_asked_for(tmp_path, rows):
    queries, _, _ = rows
    write_config(tmp_path / FOLDER, "queries", [*queries, {**queries[0], "query": "Où est 0 ?", "language": "french"}])
    assert load(tmp_path, language="english").query_ids[0] == "100"
    with pytest.raises(DataError, match="the column 'query-id' of queries of task reports must be without repeats, but is '100 again'"):
        load(tmp_path)


def test_other_names_texts_and_places_are_options(tmp_path):
    folder = tmp_path / FOLDER
    pages = [{"_id": f"d{at}", "title": f"T{at}", "text": f"body <|IMAGE|> {at}", "image": picture(at)} for at in range(10)]
    write_config(folder, "corpus", pages, "dev")
    write_config(folder, "queries", [{"_id": "q", "text": "what?"}], "dev")
    write_config(folder, "qrels", [{"qid": "q", "_id": "d4", "score": 1.0}], "dev", score="float64")
    with pytest.raises(DataError, match="the columns of corpus .*such that 'corpus-id' is among them, but is '_id, title"):
        load(tmp_path, split="dev", columns={"query-id": "_id", "query": "text"})
    folder.joinpath("qrels/dev-00000-of-00001.parquet").unlink()
    write_config(folder, "qrels", [{"query-id": "q", "corpus-id": "d4", "score": 1.0}], "dev", ids="string", score="float64")
    for config, column in (("corpus", "corpus-id"), ("queries", "query-id")):
        path = folder / config / "dev-00000-of-00001.parquet"
        table = pq.read_table(path)
        pq.write_table(table.rename_columns([column if name == "_id" else name for name in table.column_names]), path)
    named = {"split": "dev", "columns": {"query": "text"}}
    task = load(tmp_path, candidate=("title", "text"), **named)
    assert task.candidates[4].decode().text == r"T4 body <\|IMAGE|> 4" and task.candidate_modality == Modality.TEXT
    both = load(tmp_path, candidate=("image", "title"), **named)
    assert (both.candidates[4].decode().text, both.candidates[4].decode().modality) == ("T4", Modality.IMAGE | Modality.TEXT)
    assert load(tmp_path, **named).candidate_modality == Modality.IMAGE


def faulty(rows, **changes):
    return [*rows, {**rows[-1], **changes}]


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        ("corpus", lambda rows: faulty(rows, **{"corpus-id": 3}), "'corpus-id' of corpus .*without repeats, but is '3 again'"),
        ("qrels", lambda rows: faulty(rows, score=-1), "the score of 100 and 5 in row 26 of qrels .*a whole number, at least 0, but is -1"),
        (
            "corpus",
            lambda rows: [row for row in rows if row["corpus-id"] not in (4, 5)],
            "1 queries whose relevant candidates are all missing from the corpus: 104; "
            "2 candidates in qrels that the corpus does not have: 4, 5'.* Download all three again, of one version",
        ),
        ("queries", lambda rows: faulty(rows, **{"query-id": 7}), "1 queries without a row in qrels whose score is above 0: 7"),
        ("queries", lambda rows: rows[1:], "1 queries in qrels that queries does not have: 100"),
        ("queries", lambda rows: faulty(rows, **{"query-id": 7, "query": " "}), "the texts of queries .*filled, but is 'empty for 7'"),
        (
            "queries",
            lambda rows: [{"query": row["query"], "image_filename": "x"} for row in rows],
            "the columns of queries .*'query-id' is among them, but is 'query, image_filename'. Other names are told by .*columns",
        ),
        ("qrels", lambda rows: [{"query-id": 100, "corpus-id": 0}], "the columns of qrels .*'score' is among them"),
        ("corpus", lambda rows: rows[:1], "candidates in qrels that the corpus does not have: 1, 2, 3 and 8 more"),
    ],
)  # fmt: skip
def test_a_repository_that_is_broken_is_refused(config, change, message, tmp_path, rows):
    whole = dict(zip(("queries", "qrels", "corpus"), rows, strict=True))
    write_config(tmp_path / FOLDER, config, change(whole[config]))
    with pytest.raises(DataError, match=message):
        load(tmp_path)


@pytest.mark.parametrize("score", [0.5, float("nan"), float("inf")])
def test_grades_are_whole_numbers(score, tmp_path, rows):
    write_config(tmp_path / FOLDER, "qrels", [{**row, "score": score} for row in rows[1]], score="float32")
    with pytest.raises(DataError, match="in row 0 of qrels of task reports must be a whole number, at least 0"):
        load(tmp_path)


def test_what_has_no_counterpart_can_be_left_out_and_is_counted(tmp_path, rows, caplog):
    queries, _, pages = rows
    write_config(tmp_path / FOLDER, "corpus", [row for row in pages if row["corpus-id"] not in (4, 5)])
    write_config(tmp_path / FOLDER, "queries", faulty(queries[1:], **{"query-id": 7}))
    task = load(tmp_path, unmatched="leave_out")
    assert "104" not in task.query_ids and "7" not in task.query_ids and task.relevance["103"] == {"3": 2}
    for counted in (
        "1 queries whose relevant candidates are all missing",
        "1 queries without a row in qrels",
        "1 queries in qrels that queries does not have",
        "2 candidates in qrels that the corpus does not have",
    ):
        assert counted in caplog.text
    write_config(tmp_path / FOLDER, "qrels", [{"query-id": 101, "corpus-id": 4, "score": 1}])
    with pytest.raises(DataError, match="of no query that has a relevant candidate"):
        load(tmp_path, unmatched="leave_out")


def test_a_broken_picture_is_named(tmp_path, rows):
    pages = [{**row, "image": {"bytes": b"no picture", "path": "x.png"} if row["corpus-id"] == 9 else row["image"]} for row in rows[2]]
    write_config(tmp_path / FOLDER, "corpus", pages)
    task = load(tmp_path)
    with pytest.raises(DataError, match=r"^9 of task reports \(row 9 of .*/test-00000-of-00001\.parquet\) cannot be embedded: the image"):
        task.candidates[9].decode()
    without = [{**row, "image": None if row["corpus-id"] == 2 else row["image"]} for row in rows[2]]
    write_config(tmp_path / FOLDER, "corpus", without)
    with pytest.raises(DataError, match=r"row 2 of .*must be a picture in 'image', with its bytes, but is 'without'"):
        load(tmp_path).candidates[2].decode()


def test_what_is_missing_is_told_with_what_to_put_there(tmp_path, rows):
    folder = tmp_path / FOLDER
    (folder / "corpus" / "test-00001-of-00002.parquet").rename(folder / "kept")
    with pytest.raises(MissingTaskError, match=r"without corpus/test-00001-of-00002\.parquet.*Put the data set vidore/reports_v2"):
        load(tmp_path)
    (folder / "kept").rename(folder / "corpus" / "test-00001-of-00003.parquet")
    with pytest.raises(DataError, match="the files of corpus of task reports must be one set of shards"):
        load(tmp_path)
    with pytest.raises(MissingTaskError, match=r"without queries/train-\*\.parquet"):
        load(tmp_path, split="train")
    (folder / "queries" / "test-00000-of-00001.parquet").write_bytes(b"no parquet")
    (folder / "corpus" / "test-00001-of-00003.parquet").rename(folder / "corpus" / "test-00001-of-00002.parquet")
    with pytest.raises(DataError, match=r"queries/test-00000-of-00001\.parquet of task reports must be parquet, whole"):
        load(tmp_path)


def test_the_head_of_the_readme_may_say_where_the_files_are(tmp_path, rows):
    folder = tmp_path / FOLDER
    (folder / "queries").rename(folder / "questions")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: queries\n  data_files:\n  - split: test\n    path: questions/test-*\n"
        "- config_name: corpus\n  data_files:\n  - split: dev\n    path: ../../etc/*\n---\n# Reports\n"
    )
    assert len(load(tmp_path).query_ids) == 12


def test_grades_as_published_follow_the_order_of_a_set(tmp_path, rows, caplog):
    judged = {100: 1, 11: 2, 3: 5}
    pages = [{"corpus-id": page, "image": picture(at)} for at, page in enumerate(judged)]
    write_config(tmp_path / FOLDER, "corpus", [*pages, *({"corpus-id": at, "image": picture(at)} for at in range(3))])
    write_config(tmp_path / FOLDER, "queries", [{"query-id": 1, "query": "Where?"}])
    write_config(tmp_path / FOLDER, "qrels", [{"query-id": 1, "corpus-id": page, "score": grade} for page, grade in judged.items()])
    assert load(tmp_path, metrics=("hit@1",)).relevance == {"1": {"100": 1, "11": 2, "3": 5}}
    # As `evaluate` and `ndcg_at_k` of the published metrics do it: `list(set(true_labels))` is zipped with the grades as they came.
    expected = dict(zip(set(list(judged)), [1, 2, 5], strict=True))  # noqa: C414  # a list first, as there
    published = load(tmp_path, grades="published", metrics=("hit@1",)).relevance["1"]
    assert published == {str(page): grade for page, grade in expected.items()} and published != {"100": 1, "11": 2, "3": 5}
    write_repository(tmp_path / FOLDER, ids="string", name=str)
    assert load(tmp_path, grades="published").relevance == load(tmp_path).relevance
    assert "its pages keep their own grades: ids that are texts" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unmatched": "ignore"}, "the option unmatched of a Beir task must be one of leave_out, refuse, but is 'ignore'"),
        ({"ties": "first"}, "the option ties of a Beir task must be one of argmax, trec_eval"),
        ({"grades": "true"}, "the option grades of a Beir task must be one of own, published"),
        ({"columns": {"query_id": "_id"}}, "a name in `columns` .*but is 'query_id'. Did you mean 'query-id'"),
    ],
)
def test_options_are_checked_before_files_are_read(options, message):
    with pytest.raises(ConfigError, match=message):
        Beir(folder=FOLDER, **options)
