"""The worst failures are those of a full sort of all scores, with what is shown of them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fake_encoder import FakeEncoder
from unite.config.schema import SuiteConfig, WorldConfig
from unite.config.schema.media import Decoding
from unite.embedding.embed import embed_contents
from unite.evaluation.find_failures import find_failures
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import data_fingerprint
from unite.types import Content
from unite.worlds.emoji import EmojiWorld


class Steady(FakeEncoder):
    """Embeds texts that hold `nan` too: the world has bananas."""

    def forward(self, micro_batch):
        return super().forward(micro_batch).nan_to_num(0.1)


def evaluated(task):
    """The task's result, its failures, and what a full sort of all scores says: query id -> candidates, best first."""
    encoder, failures = FakeEncoder(), []
    suite = Suite(SuiteConfig(name="s", tasks={"t": task}))
    result = suite.run(encoder, on_task=lambda _, *found: failures.append(find_failures(*found))).tasks["t"]
    scores = (embed_contents(encoder, task.queries) @ embed_contents(encoder, task.candidates).T).numpy()
    order = {
        query: sorted(
            (name for name in task.candidate_ids if task.pools is None or name in task.pools[query]),
            key=lambda name, row=row: (scores[row, task.candidate_ids.index(name)].round(5), name),
            reverse=True,
        )
        for row, query in enumerate(task.query_ids)
    }
    return result, failures[0], order


@pytest.fixture
def hard(make_task):
    """Queries whose right candidate is another's text: most of them fail."""
    num = 20
    return make_task(num, candidates=[Content(text=f"word {(at + 5) % num * 7919 % 1000}.") for at in range(num)])


def test_failures_are_the_worst_queries_with_their_hits(hard):
    result, found, order = evaluated(hard)
    ranks = {query: min(relevant.ranks) for query, relevant in result.judged.items()}
    assert [failure.rank for failure in found.failures] == sorted(ranks.values(), reverse=True)[:8]
    for failure in found.failures:
        assert failure.rank == ranks[failure.query] == order[failure.query].index(failure.right[0]) + 1
        assert [name for name, _ in failure.hits] == order[failure.query][:5]
        assert found.queries[failure.query].text == hard.queries[hard.query_ids.index(failure.query)].text
        assert {failure.right[0], *(name for name, _ in failure.hits)} <= found.candidates.keys()


def test_hits_stay_in_the_pool_of_the_query(hard):
    random = np.random.default_rng(0)
    pools = {f"q{at}": list(dict.fromkeys([f"c{at}", *(f"c{other}" for other in random.permutation(20)[:10])])) for at in range(20)}
    task = replace(hard, pools=pools, metrics=("recall@1",))
    _, found, order = evaluated(task)
    assert found.failures
    for failure in found.failures:
        assert [name for name, _ in failure.hits] == order[failure.query][:5]
        assert {name for name, _ in failure.hits} <= set(pools[failure.query])


def test_a_pool_smaller_than_the_hits(make_task):
    task = make_task(6, pools={f"q{at}": [f"c{at}", f"c{(at + 1) % 6}"] for at in range(6)}, metrics=("recall@1",))
    task = replace(task, relevance={f"q{at}": {f"c{(at + 1) % 6}": 1} for at in range(6)})
    _, found, _ = evaluated(task)
    assert {len(failure.hits) for failure in found.failures} == {2}


def test_a_perfect_task_has_no_failures(make_task):
    task = make_task(candidates=[Content(text=f"word {at * 7919 % 1000}") for at in range(12)])
    result, found, _ = evaluated(task)
    assert result.metrics["recall@1"] == 1
    assert found.failures == ()
    assert found.candidates == {}


def test_failures_of_a_stored_task_are_shown(tmp_path):
    world = EmojiWorld(WorldConfig(root=tmp_path, num_train=8, num_queries=12, num_candidates=24, num_glyphs=24))
    world.prepare()
    suite = Suite(SuiteConfig(name="emoji", tasks={"t2v": "test/t2v", "it2i": "test/it2i"}, data_root=world.folder, decoding=Decoding()))
    failures = {}
    result = suite.run(Steady(), on_task=lambda name, *found: failures.update({name: find_failures(*found)}))
    failure = failures["t2v"].failures[0]
    assert failures["t2v"].candidates[failure.right[0]].pictures[0][0] == "video"
    assert failures["it2i"].queries[failures["it2i"].failures[0].query].pictures[0][0] == "image"
    # The world is here: so is the other thing that its shards tell.
    assert len({task.data for task in result.tasks.values()}) == 2
    assert data_fingerprint(suite.load("t2v")) == result.tasks["t2v"].data
