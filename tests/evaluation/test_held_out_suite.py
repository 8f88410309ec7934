import pytest

from tests.fake_encoder import FakeEncoder
from unite.config.schema import HeldOutConfig, SourceConfig
from unite.data.held_out import HeldOut
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter
from unite.data.source import SourceDataModule
from unite.errors import ConfigError
from unite.evaluation.held_out_suite import held_out_suite


def source(folder, rows):
    with ShardWriter(folder, 7) as writer:
        for at, (query, positive) in enumerate(rows):
            writer.write(Row(f"{at:04d}", StoredContent(query), (StoredContent(positive),)))
    return SourceDataModule(SourceConfig(name=folder.name, shards=str(folder), query="text", positive="text"))


@pytest.fixture
def sources(tmp_path):
    made = {name: source(tmp_path / name, [(f"{name} q{at}", f"{name} p{at}") for at in range(40)]) for name in "ab"}
    HeldOut(HeldOutConfig(share=0.2), list(made.values())).divide()
    return made


def test_each_source_is_a_task_over_its_held_out_rows(sources):
    suite = held_out_suite(sources)
    assert set(suite.tasks) == {"a", "b"} and set(held_out_suite(sources, back=True).tasks) == {"a", "b", "a_back", "b_back"}
    for name, task in suite.tasks.items():
        assert {one.stored.text for one in task.queries} == {row.query.text for row in sources[name].held_out}
        assert len(task.candidates) == 8 and task.metrics == ("recall@1", "recall@5", "mrr")  # a pool of 8 has no recall@10
    result = suite.run(FakeEncoder())
    assert {"held_out/a/recall@1", "held_out/mean/mrr"} <= set(result.metrics()) and 0 <= result.score.value <= 1


def test_rows_that_make_no_task_are_told(tmp_path):
    alone = source(tmp_path / "alone", [(f"q{at}", f"p{at}") for at in range(5)])
    with pytest.raises(ConfigError, match="held-out rows must be of at least one source, but is 'none'. Set validation=held_out"):
        held_out_suite({"alone": alone})
    HeldOut(HeldOutConfig(share=0.2), [alone]).divide()
    with pytest.raises(
        ConfigError, match=r"held-out rows of source alone must be rows that make a task, .*1 rows.*two different ones.*Raise"
    ):
        held_out_suite({"alone": alone})
