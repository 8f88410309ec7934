from pathlib import Path

import pytest

from tests.search.corpus.material import Embedding
from unite.errors import ConfigError
from unite.search.corpus import embed as module
from unite.search.corpus.on_ray import BlockMaker, make_on_ray
from unite.search.corpus.outcome import Counts


@pytest.fixture
def table(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n" + "".join(f"r{at},text {at}\n" for at in range(20)) + "x,\n")
    return str(tmp_path / "a.csv")


def test_actors_embed_what_one_process_does(table, tmp_path):
    pytest.importorskip("ray.data", reason="Ray Data is an extra: pip install 'unite[ray]'")
    here, there = Embedding(tmp_path / "here"), Embedding(tmp_path / "there", rows_per_part=4)
    here(table)
    outcome = there(table, ray_workers=2)
    assert (outcome.rows, outcome.counts.embedded, outcome.counts.skipped) == (20, 20, 1) and list(there.skipped()) == ["x"]
    ours, theirs = here.rows(), there.rows()
    assert sorted(ours) == sorted(theirs)
    assert all(row["vector"] == pytest.approx(theirs[id]["vector"], abs=1e-6) for id, row in ours.items())
    there(table, ray_workers=2)
    assert there.outcome.counts.embedded == 0 and there.outcome.unchanged == 20


def test_blocks_are_made_in_any_order_and_what_goes_wrong_is_told(table, tmp_path, monkeypatch):
    """As Ray calls it, in this process."""

    def in_this_process(workers, out, load, blocks, job):
        maker = BlockMaker(out, load, blocks, job)
        for block in reversed(range(len(blocks))):
            told = {name: values[0] for name, values in maker({"block": [block]}).items()}
            assert told["error"] == ""
            yield told["num"], Counts(*(int(told[name]) for name in ("embedded", "taken_over", "skipped", "changed")), first=told["first"])

    monkeypatch.setattr(module, "make_on_ray", in_this_process)
    embed = Embedding(tmp_path / "out", rows_per_part=4)
    outcome = embed(table, ray_workers=3)
    assert sorted(embed.rows()) == sorted(f"r{at}" for at in range(20)) and outcome.counts.skipped == 1
    assert outcome.counts.embedded == embed.num_embedded == 20


def test_no_workers_are_refused():
    with pytest.raises(ConfigError, match="workers must be at least 1, but is 0"):
        next(make_on_ray(0, Path(), None, [[0]], None))
