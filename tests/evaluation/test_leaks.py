import numpy as np
import pytest

from tests.fake_encoder import image
from unite.config.schema import Decoding, SourceConfig, SuiteConfig
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardReader, ShardWriter
from unite.data.source import SourceDataModule
from unite.errors import ConfigError
from unite.evaluation.leaks import refuse_rows_seen, refuse_trained_pairs
from unite.evaluation.pair_tasks import pairs_task, read_pairs
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import RetrievalTask
from unite.types import Content, Modality


def shards(folder, *rows):
    with ShardWriter(folder, 2) as writer:
        for at, (query, positive) in enumerate(rows):
            writer.write(Row(f"{at:04d}", query, (positive,)))
    return folder


def text(words, instruction=""):
    return StoredContent(words, instruction=instruction)


def photo(data):
    return StoredContent(media=(StoredMedium(Modality.IMAGE, data, "png"),))


def suite_of(folder):
    reader = ShardReader.of_folder(folder)
    task = pairs_task("mine", reader, read_pairs(reader, Decoding(), "here"), Decoding(), ("recall@1",))
    return Suite(SuiteConfig(name="s", tasks={"mine": task}))


@pytest.fixture
def source(tmp_path):
    rows = [(text(f"q{at}", "Find."), photo(bytes([at]) * 9)) for at in range(5)]
    return SourceDataModule(SourceConfig(name="train", shards=str(shards(tmp_path / "train", *rows)), query="text", positive="image"))


@pytest.mark.parametrize("back", [False, True])
def test_a_pair_that_is_trained_on_is_refused_by_name(tmp_path, source, back):
    leaked = (text("q3", "Search another way."), photo(bytes([3]) * 9))
    rows = [(text("new"), photo(b"a")), leaked]
    folder = shards(tmp_path / "val", *((right, query) if back else (query, right) for query, right in rows))
    with pytest.raises(
        ConfigError,
        match=r"validation.suite must be on pairs that are not trained on, but is 'on the pair shard-000000.tar/0001 -> "
        r"shard-000000.tar/0001 of task mine, row train/shard-000001.tar/0003; 1 such pairs there'.*validation=held_out",
    ):
        refuse_trained_pairs(suite_of(folder), [source])


def test_contents_that_are_trained_on_in_other_pairs_pass(tmp_path, source):
    rows = [(text("q3"), photo(bytes([2]) * 9)), (text("q2"), photo(bytes([3]) * 9))]
    refuse_trained_pairs(suite_of(shards(tmp_path / "val", *rows)), [source])


def test_contents_in_memory_are_compared_by_their_texts(tmp_path):
    train = shards(tmp_path / "train", (text("q"), text("p")), (text("q1"), text("p1")))
    source = SourceDataModule(SourceConfig(name="train", shards=str(train), query="text", positive="text"))

    def suite(query, *candidates):
        ids = [f"c{at}" for at in range(len(candidates))]
        task = RetrievalTask("t", ["q"], [query], ids, list(candidates), {"q": {"c0": 1}}, Modality.TEXT, Modality.TEXT, metrics=("mrr",))
        return Suite(SuiteConfig(name="s", tasks={"t": task}))

    refuse_trained_pairs(suite(Content("q"), Content("p1"), Content("p")), [source])
    refuse_trained_pairs(suite(Content("q", (image(3),)), Content("p")), [source])
    with pytest.raises(ConfigError, match="on the pair q -> c0 of task t, row train/shard-000000.tar/0000"):
        refuse_trained_pairs(suite(Content("q", instruction="Find."), Content("p"), Content("p1")), [source])


def test_held_out_rows_that_an_earlier_run_was_trained_on_are_refused(tmp_path, source):
    rows = [(text(f"q{at}", "Search."), photo(bytes([at]) * 9)) for at in (7, 3, 8)]
    later = SourceDataModule(SourceConfig(name="later", shards=str(shards(tmp_path / "later", *rows)), query="text", positive="image"))
    later.leave_out(np.array([0, 2]), np.array([1]), {})
    refuse_rows_seen([later], [source], "runs/x")  # row 1 is trained on, and not held out
    later = SourceDataModule(SourceConfig(name="later", shards=str(tmp_path / "later"), query="text", positive="image"))
    later.leave_out(np.array([1, 2]), np.array([0]), {})
    with pytest.raises(
        ConfigError,
        match=r"what is held out must be new to runs/x, whose weights init_from takes, but is 'trained on there: "
        r"row later/shard-000000.tar/0001 is its row train/shard-000001.tar/0003; 1 of 2 are so'. Hold the same rows out of both",
    ):
        refuse_rows_seen([later], [source], "runs/x")
