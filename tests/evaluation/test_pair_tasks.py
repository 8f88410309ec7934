import pytest

from tests.fake_encoder import FakeEncoder
from unite.config.schema import Decoding
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardReader, ShardWriter
from unite.embedding.embed import embed_contents
from unite.errors import DataError
from unite.evaluation.metrics import per_query
from unite.evaluation.pair_tasks import pairs_task, read_pairs
from unite.evaluation.suite import judge_task
from unite.evaluation.tasks import data_fingerprint
from unite.types import Modality

METRICS = ("hit@1", "hit@5", "mrr")


def text(words, group="", instruction=""):
    return StoredContent(words, group=group, instruction=instruction)


@pytest.fixture
def reader_of(tmp_path):
    """A reader of rows, each a query and its positives; text alone where a string stands."""

    def made(*rows, name="set"):
        with ShardWriter(tmp_path / name, samples_per_shard=2) as writer:
            for at, (query, *positives) in enumerate(rows):
                contents = [text(one) if isinstance(one, str) else one for one in (query, *positives)]
                writer.write(Row(f"{at:03d}", contents[0], tuple(contents[1:])))
        return ShardReader.of_folder(tmp_path / name)

    return made


def task_of(reader, back=False, **options):
    pairs = read_pairs(reader, Decoding(), "here")
    return pairs_task("t", reader, [(right, query) for query, right in pairs] if back else pairs, Decoding(), METRICS, **options)


def answers(task):
    """Query's text -> texts of its right answers."""
    queries, candidates = ({name: one.stored.text for name, one in zip(ids, contents, strict=True)} for ids, contents in sides(task))
    return {queries[query]: {candidates[name] for name in right} for query, right in task.relevant.items()}


def sides(task):
    return (task.query_ids, task.queries), (task.candidate_ids, task.candidates)


def test_every_row_is_a_query_and_its_positive_an_answer(reader_of):
    task = task_of(reader_of(("red", "rot"), ("green", "grün"), ("blue", "blau")))
    assert answers(task) == {"red": {"rot"}, "green": {"grün"}, "blue": {"blau"}}
    assert task.query_ids == ["shard-000000.tar/000", "shard-000000.tar/001", "shard-000001.tar/002"]
    assert task.pools is None and task.pair == "text->text" and task.metrics == ("hit@1", "mrr")  # three candidates: no hit@5


def test_equal_contents_are_one_and_a_shared_query_has_all_its_answers(reader_of):
    task = task_of(reader_of(("red", "rot"), ("red", "rouge"), ("crimson", "rot"), ("many", "eins", "zwei")))
    assert len(task.candidate_ids) == 4
    assert answers(task) == {"red": {"rot", "rouge"}, "crimson": {"rot"}, "many": {"eins", "zwei"}}
    back = task_of(reader_of(("red", "rot"), ("red", "rouge"), ("crimson", "rot"), ("many", "eins", "zwei"), name="b"), back=True)
    assert answers(back) == {"rot": {"red", "crimson"}, "rouge": {"red"}, "eins": {"many"}, "zwei": {"many"}}


def test_a_group_shares_its_answers(reader_of):
    by_query = task_of(reader_of((text("a cat", "1"), "photo 1"), (text("a kitten", "1"), "photo 2"), ("a dog", "photo 3"), name="q"))
    assert answers(by_query) == {"a cat": {"photo 1", "photo 2"}, "a kitten": {"photo 1", "photo 2"}, "a dog": {"photo 3"}}
    by_answer = task_of(reader_of(("a cat", text("crop 1", "1")), ("a paw", text("crop 2", "1")), ("a dog", "photo 3"), name="a"))
    assert answers(by_answer) == {"a cat": {"crop 1", "crop 2"}, "a paw": {"crop 1", "crop 2"}, "a dog": {"photo 3"}}


def test_a_query_is_not_in_its_own_pool(reader_of):
    task = task_of(reader_of((text("one", instruction="Find it."), "two"), ("two", "three"), ("three", "one"), ("four", "four")))
    assert answers(task) == {"one": {"two"}, "two": {"three"}, "three": {"one"}}  # the last has nothing else to find
    names = {name: content.stored.text for name, content in zip(task.candidate_ids, task.candidates, strict=True)}
    assert [{names[one] for one in pool} for pool in task.pools.values()] == [
        {"two", "three", "four"},
        {"one", "three", "four"},
        {"one", "two", "four"},
    ]


def test_fewer_queries_are_spread_and_all_candidates_stay(reader_of):
    task = task_of(reader_of(*((f"query {at}", f"answer {at}") for at in range(9))), max_queries=3)
    assert list(answers(task)) == ["query 0", "query 4", "query 8"] and len(task.candidates) == 9


def test_contents_are_read_when_they_are_asked_for_and_known_before(reader_of, monkeypatch):
    photo = StoredContent(media=(StoredMedium(Modality.IMAGE, b"no picture", "png"),))
    reader = reader_of(("red", photo), ("blue", StoredContent(media=(StoredMedium(Modality.IMAGE, b"another", "png"),))))
    task = task_of(reader)
    assert task.pair == "text->image"
    with monkeypatch.context() as patched:
        patched.setattr(ShardReader, "read", lambda *_: pytest.fail("read"))
        assert len({content.key for content in task.candidates}) == 2 and data_fingerprint(task)
    with pytest.raises(DataError, match=r"shard-000000.tar/000 cannot be embedded"):
        task.candidates[0].decode()


def test_it_can_be_embedded_and_ranked(reader_of):
    task = task_of(reader_of(*((f"word {at}", f"word {at}.") for at in range(6))))
    vectors = [embed_contents(FakeEncoder(), contents) for _, contents in sides(task)]
    judged = judge_task(task, *vectors)
    expected = vectors[0] @ vectors[1].T
    assert per_query("hit@1", judged.values()).tolist() == (expected.argmax(1).eq(expected.diagonal().new_tensor(range(6)))).tolist()


def test_what_makes_no_task_is_told(reader_of):
    with pytest.raises(DataError, match=r"the candidates of task t must be at least two different ones, but is 1"):
        task_of(reader_of(("red", "rot"), name="one"))
    with pytest.raises(DataError, match=r"the rows in here must be rows with a positive, but is '2 rows without'\. Right answers are"):
        task_of(reader_of(("red",), ("blue",), name="none"))
    with pytest.raises(DataError, match=r"at least one with something else to find, but is 'none'"):
        task_of(reader_of(("red", "red"), ("blue", "blue"), name="same"))
    photo = StoredContent(media=(StoredMedium(Modality.IMAGE, b"x", "png"),))
    with pytest.raises(DataError, match=r"the positives in here must be of one modality, but is 'image, text'"):
        task_of(reader_of(("red", "rot"), ("blue", photo), name="mixed"))


def test_rows_without_a_positive_are_counted(reader_of, caplog):
    assert len(task_of(reader_of(("red", "rot"), ("lost",), ("blue", "blau"))).queries) == 2
    assert "1 of 3 rows in here have no positive" in caplog.text
