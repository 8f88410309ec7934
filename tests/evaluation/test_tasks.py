"""A task in memory and on disk: what it is asked, what is refused, what is read of it, and which data it is."""

import io
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from tests.fake_encoder import image
from unite.config.schema import SuiteConfig
from unite.config.schema.media import Decoding
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardReader
from unite.data.tasks import write_task
from unite.embedding.embed import embed_contents
from unite.embedding.lazy import LazyContent
from unite.embedding.memory import MemoryCache
from unite.errors import ConfigError, DataError
from unite.evaluation.diagnosis import diagnose
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import RetrievalTask, data_fingerprint
from unite.types import Content, Modality


def test_the_defaults_are_those_of_the_kind(make_task):
    assert make_task().metrics == ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")
    assert make_task(kind="subset").metrics == ("recall@1", "recall@5", "mrr")
    assert make_task().pair == "text->text"
    assert make_task().pool_sizes == (12,) * 12


def test_pools_and_targets_are_places_in_tie_order(make_task):
    task = make_task(2, relevance={"q0": {"c0": 1, "c1": 0}, "q1": {"c0": 2, "c1": 1}}, kind="subset", metrics=("mrr",))
    assert task.tie_order == [1, 0]
    assert task.targets().tolist() == [[1, -1], [1, 0]]
    assert task.relevant == {"q0": {"c0": 1}, "q1": {"c0": 2, "c1": 1}}
    assert task.pool_members() is None
    pooled = make_task(2, pools={"q0": ["c0"], "q1": ["c0", "c1"]}, metrics=("mrr",))
    assert pooled.pool_members().tolist() == [[1, -1], [0, 1]]
    assert pooled.pool_sizes == (1, 2)


def test_by_argmax_candidates_stay_in_their_own_order(make_task):
    task = make_task(3, metrics=("mrr",), ties="argmax")
    assert task.tie_order == [0, 1, 2] and task.targets().tolist() == [[0], [1], [2]] and list(task.pool_of("q0")) == ["c0", "c1", "c2"]
    pools = {"q0": ["c2", "c0"], "q1": ["c1"], "q2": ["c0", "c2", "c1"]}
    pooled = make_task(3, pools=pools, metrics=("mrr",), ties="argmax")
    assert pooled.pool_members().tolist() == [[2, 0, -1], [1, -1, -1], [0, 2, 1]] and pooled.pool_of("q2") == pools["q2"]
    assert list(make_task(3, pools=pools, metrics=("mrr",)).pool_of("q2")) == ["c2", "c1", "c0"]


ids = [f"c{at}" for at in range(12)]
BAD = {
    "duplicate query": ({"query_ids": ["q0"] * 12}, r"ids of the queries of task text_to_text must be unique, but is 'q0"),
    "duplicate candidate": (
        {"candidate_ids": [*ids[:11], "c3"]},
        r"ids of the candidates of task text_to_text must be unique, but is 'c3'",
    ),
    "ids and contents": ({"query_ids": ["q0"]}, "with an id each, but is '1 ids and 12 contents'"),
    "no relevant": ({"relevance": {"q0": {"c0": 1}}}, "a relevant candidate each, but is 'none for q1, q2, q3, q4, q5 and 6 more'"),
    "grade zero": ({"relevance": {f"q{at}": {f"c{at}": at} for at in range(12)}}, "but is 'none for q0'"),
    "grade of half": ({"relevance": {f"q{at}": {f"c{at}": 0.5} for at in range(12)}}, "the grades of query 'q0' .* whole numbers"),
    "grade of none": ({"relevance": {f"q{at}": {f"c{at}": float("nan")} for at in range(12)}}, "must be whole numbers, but is nan"),
    "unknown": ({"relevance": {f"q{at}": {"x": 1} for at in range(12)}}, "must be ids of its queries and candidates, but is 'x"),
    "no pool": ({"pools": {"q0": ids}}, "the pool of query 'q1' of task text_to_text must be at least one candidate, but is 'empty'"),
    "empty pool": ({"pools": {"q0": []}}, "the pool of query 'q0' .* but is 'empty'"),
    "twice in pool": ({"pools": {"q0": ["c0", "c1", "c0"]}}, "without duplicates, but is 'c0'"),
    "unknown in pool": ({"pools": {"q0": ["c0", "y"]}}, "made of the task's candidates, but is 'y'"),
    "relevant outside": ({"pools": {"q0": ["c1", "c2"]}}, "with all its relevant candidates inside, but is 'without c0'"),
    "ties": ({"ties": "first"}, "rule of ties of task text_to_text must be one of argmax, trec_eval, but is 'first'"),
    "kind": ({"kind": "pairs"}, "kind of task text_to_text must be one of pair, subset, but is 'pairs'. Did you mean 'pair'"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(make_task, changes, message):
    with pytest.raises(DataError, match=message):
        make_task(**changes)


def test_an_unknown_metric_is_named(make_task):
    with pytest.raises(ConfigError, match="a metric must be one of"):
        make_task(metrics=("recal@1",))


def test_the_fingerprint_tells_other_data(make_task):
    task = make_task()
    same, again = data_fingerprint(task), data_fingerprint(make_task())
    assert same == again
    others = [
        make_task(13),
        make_task(queries=[Content(text=f"other {at}") for at in range(12)]),
        make_task(candidates=[Content(media=(image(at),)) for at in range(12)]),
        make_task(relevance={f"q{at}": {f"c{at}": 2} for at in range(12)}),
        make_task(pools={f"q{at}": [f"c{one}" for one in range(12)] for at in range(12)}),
    ]
    assert len({same, *map(data_fingerprint, others)}) == len(others) + 1


def png(brightness: int) -> StoredMedium:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), brightness, dtype=np.uint8)).save(file, "PNG")
    return StoredMedium(Modality.IMAGE, file.getvalue(), "png")


def write(folder, num=50, broken=(), **changes):
    """Texts to images; more rows than are decoded ahead."""
    fields = {
        "name": "text_to_image",
        "queries": [Row(f"q{at}", StoredContent(f"shade {at}", instruction="Find the image.")) for at in range(num)],
        "candidates": [
            Row(f"c{at}", StoredContent(media=(StoredMedium(Modality.IMAGE, b"no image", "png") if at in broken else png(at),)))
            for at in range(num)
        ],
        "relevance": {f"q{at}": {f"c{at}": 1} for at in range(num)},
        "query_modality": Modality.TEXT,
        "candidate_modality": Modality.IMAGE,
    }
    write_task(folder, **{**fields, **changes})
    return folder


def test_a_stored_task_gives_the_metrics_of_the_same_task_in_memory(encoder, tmp_path):
    stored = RetrievalTask.of_folder(write(tmp_path / "task"))
    assert stored.pair == "text->image"
    assert stored.query_ids[:2] == ["q0", "q1"]
    assert [int(content.decode().media[0].frames.mean()) for content in stored.candidates] == list(range(50))
    assert [content.decode().instruction for content in stored.queries] == ["Find the image."] * 50
    in_memory = RetrievalTask(
        name="text_to_image",
        query_ids=stored.query_ids,
        queries=[Content(f"shade {at}", instruction="Find the image.") for at in range(50)],
        candidate_ids=stored.candidate_ids,
        candidates=[Content(media=(image(at),)) for at in range(50)],
        relevance=stored.relevance,
        query_modality=Modality.TEXT,
        candidate_modality=Modality.IMAGE,
    )
    results = [Suite(SuiteConfig(name="s", tasks={"t": task})).run(encoder).metrics() for task in (stored, in_memory)]
    assert results[0] == results[1]


def test_only_what_is_new_is_decoded(encoder, tmp_path, monkeypatch):
    decoded = []
    original = LazyContent.decode
    monkeypatch.setattr(LazyContent, "decode", lambda self: decoded.append(self.name) or original(self))
    task = RetrievalTask.of_folder(
        write(tmp_path / "task", candidates=[Row(f"c{at}", StoredContent(media=(png(at % 5),))) for at in range(50)])
    )
    cache = MemoryCache()
    first = embed_contents(encoder, task.candidates, cache=cache)
    assert sorted(decoded) == [f"shard-000000.tar/c{at}" for at in range(5)]
    assert torch.equal(first, first[:5].repeat(10, 1))
    decoded.clear()
    assert torch.equal(embed_contents(encoder, task.candidates, cache=cache), first)
    assert decoded == []


def test_a_task_whose_embeddings_are_cached_reads_nothing(encoder, tmp_path, monkeypatch):
    """Neither to rank it nor to say which data it is."""
    write(tmp_path / "task")
    cache, suite, read = MemoryCache(), Suite(SuiteConfig(name="s", tasks={"t": str(tmp_path / "task")}, diagnose=True)), []
    first = suite.run(encoder, cache=cache)
    diagnose(suite, partial(embed_contents, encoder, cache=cache), cache)
    monkeypatch.setattr(ShardReader, "read", lambda self, at: read.append(at))
    again = suite.run(encoder, cache=cache)
    assert again.tasks["t"].data == first.tasks["t"].data and again.metrics() == first.metrics()
    diagnose(suite, partial(embed_contents, encoder, cache=cache), cache)
    assert read == []


def test_metadata_give_kind_metrics_and_ties_and_a_folder_is_found_below_the_root(encoder, tmp_path):
    pools = {f"q{at}": [f"c{(at + step) % 50}" for step in range(8)] for at in range(50)}
    write(tmp_path / "spatial", pools=pools, metadata={"kind": "subset"})
    write(tmp_path / "named", metadata={"metrics": "hit@1, map", "ties": "argmax"})
    result = Suite(SuiteConfig(name="s", tasks={"spatial": "spatial", "named": "named"}, data_root=tmp_path)).run(encoder)
    assert [task.ties for task in result.tasks.values()] == ["trec_eval", "argmax"]
    assert result.tasks["spatial"].kind == "subset"
    assert result.tasks["spatial"].pool_size == "8"
    assert list(result.tasks["spatial"].metrics) == ["recall@1", "recall@5", "mrr"]
    assert list(result.tasks["named"].metrics) == ["hit@1", "map"]


def test_a_medium_that_cannot_be_decoded_is_named(encoder, tmp_path):
    task = RetrievalTask.of_folder(write(tmp_path / "task", broken=(3,)), Decoding())
    with pytest.raises(DataError, match=r"c3 cannot be embedded: the image cannot be decoded"):
        Suite(SuiteConfig(name="s", tasks={"t": task})).run(encoder)
