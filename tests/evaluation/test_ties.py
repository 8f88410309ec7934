"""Of equal scores, what NumPy's argmax and trec_eval take; and whether equal embeddings are found, by looking at every pair."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from tests.fake_encoder import FakeEncoder
from tests.retrieval.material import whole_numbers
from unite.config.schema import SuiteConfig
from unite.evaluation.evaluate import evaluate
from unite.evaluation.results import SuiteResult
from unite.evaluation.suite import Suite, judge_task
from unite.evaluation.ties import tied
from unite.types import Content


class Constant(FakeEncoder):
    """One embedding for everything, of numbers whose products are rounded."""

    def forward(self, micro_batch):
        made = super().forward(micro_batch)
        row = torch.randn(made.shape[1], generator=torch.Generator().manual_seed(0))
        return torch.nn.functional.normalize(row, dim=0).expand_as(made)


def pools_of(num, seed, right_first):
    """Pools of different lengths in an order of their own; the right one stands first or anywhere."""
    random = np.random.default_rng(seed)
    pools = {}
    for at in range(num):
        others = [f"c{other}" for other in random.permutation(num)[: random.integers(2, num)] if other != at]
        place = 0 if right_first else random.integers(len(others) + 1)
        pools[f"q{at}"] = [*others[:place], f"c{at}", *others[place:]]
    return pools


@pytest.mark.parametrize("seed", range(4))
def test_the_first_in_the_rows_own_pool_is_what_argmax_takes(make_task, seed):
    num = 20
    task = make_task(num, pools=pools_of(num, seed, False), ties="argmax", metrics=("hit@1",))
    queries = candidates = whole_numbers(num, seed, values=1, dim=2)  # all kinds of equal ones
    place = {name: row for row, name in enumerate(task.candidate_ids)}
    expected = {}
    for query, vector in zip(task.query_ids, queries.numpy(), strict=True):
        pool = task.pools[query]
        scores = np.stack([candidates.numpy()[place[name]] for name in pool]) @ vector
        expected[query] = pool[np.argmax(scores)] == f"c{query[1:]}"
    found, by_id = (
        {query: judged.ranks[0] == 1 for query, judged in judge_task(one, queries, candidates).items()}
        for one in (task, replace(task, ties="trec_eval"))
    )
    assert found == expected != by_id and 0 < sum(found.values()) < num


def test_without_pools_it_is_the_first_of_all_candidates(make_task):
    task = make_task(20, ties="argmax")
    queries, candidates = whole_numbers(20, 3), whole_numbers(20, 4)
    order = np.argsort(-(queries @ candidates.T).numpy(), axis=1, kind="stable")
    found = judge_task(task, queries, candidates)
    assert [judged.ranks for judged in found.values()] == [(row.tolist().index(at) + 1,) for at, row in enumerate(order)]


def test_a_constant_encoder_gets_what_published_code_gives_it_and_is_told(make_task, tmp_path, caplog):
    """By argmax all where the right one stands first, as in MMEB; by trec_eval those whose id sorts last."""
    num = 20
    task = make_task(num, pools=pools_of(num, 0, True), ties="argmax", metrics=("hit@1",))
    tasks = {"mmeb": task, "trec": replace(task, ties="trec_eval"), "all": make_task(12, metrics=("hit@1",))}
    file = io.StringIO()
    evaluation = evaluate(Constant(64), [Suite(SuiteConfig(name="s", tasks=tasks))], tmp_path, Console(file=file, width=160))
    by_id = np.mean([max(pool) == f"c{query[1:]}" for query, pool in task.pools.items()])
    assert {name: found.metrics["hit@1"] for name, found in evaluation.results[0].tasks.items()} == {
        "mmeb": 1,
        "trec": by_id,
        "all": 1 / 12,
    }
    rule = "of equal scores the candidate comes first that stands first among the query's own (argmax)"
    assert f"s/mmeb: all scores are equal, which a rule decides: {rule}" in caplog.text
    told = json.loads((tmp_path / "metrics.json").read_text())["score_is"]
    assert told["ties"] == "argmax: mmeb; trec_eval: trec, all" and told["tied"] == {"mmeb": 1.0, "trec": 1.0, "all": 1.0}
    printed = " ".join(file.getvalue().split())
    assert f"Ties: {rule}" in printed and "mmeb: all scores are equal, which the rule of ties decides (argmax)" in printed
    read = SuiteResult.from_json((tmp_path / "s.json").read_text())
    assert [(found.ties, found.all_tied, found.num_tied) for found in read.tasks.values()] == [
        ("argmax", True, num),
        ("trec_eval", True, num),
        ("trec_eval", True, 12),
    ]


def test_results_of_before_there_were_rules_are_trec_eval_s(make_task, encoder):
    result = Suite(SuiteConfig(name="s", tasks={"t": make_task()})).run(encoder)
    fields = json.loads(result.to_json())
    for name in ("ties", "num_tied", "all_tied"):
        del fields["tasks"]["t"][name]
    assert SuiteResult.from_json(json.dumps(fields)) == result


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("pooled", "dim"), [(False, 2), (False, 3), (True, 2), (True, 3)])
def test_ties_of_right_candidates_are_those_of_a_look_at_every_pair(make_task, seed, pooled, dim):
    num = 12
    random = np.random.default_rng(seed)
    relevance = {f"q{at}": {f"c{at}": 1, f"c{random.integers(num)}": 1} for at in range(num)}
    pools = {query: list({*rows, *pools_of(num, seed, False)[query]}) for query, rows in relevance.items()} if pooled else None
    task = make_task(num, relevance=relevance, pools=pools, metrics=("mrr",))
    candidates = whole_numbers(num, seed, values=1, dim=dim)
    vector = {name: row.tolist() for name, row in zip(task.candidate_ids, candidates, strict=True)}
    expected = sum(
        any(vector[right] == vector[wrong] for right in rows for wrong in task.pool_of(query) if wrong not in rows)
        for query, rows in relevance.items()
    )
    found = tied(task, candidates)
    assert (found.num_queries, found.everything) == (expected, False)
    assert expected < num if dim == 3 else expected > 0


def test_candidates_that_differ_late_are_told_apart(make_task):
    candidates = torch.ones(4, 20)
    candidates[2:, 19] = 2
    candidates[3, 12] = 2
    assert tied(make_task(4, metrics=("mrr",)), candidates).num_queries == 2  # the first two


def test_one_candidate_each_is_no_tie_and_the_two_zeros_are_one(make_task):
    alone = make_task(3, pools={f"q{at}": [f"c{at}"] for at in range(3)}, metrics=("mrr",))
    assert tied(alone, torch.ones(3, 4)).everything is False
    zeros = torch.tensor([[0.0, 1.0], [-0.0, 1.0]])
    assert tied(make_task(2, metrics=("mrr",)), zeros).everything is True


def test_the_share_of_queries_that_the_rule_decides_is_told(make_task, encoder, caplog):
    texts = [Content(text=f"word {at}") for at in range(12)]
    task = make_task(candidates=[texts[0], texts[0], texts[0], *texts[3:]], metrics=("hit@1",))
    result = Suite(SuiteConfig(name="s", tasks={"t": task})).run(encoder)
    assert (result.tasks["t"].num_tied, result.tasks["t"].all_tied) == (3, False)
    assert "s/t: 3 of 12 queries are tied, which a rule decides: of equal scores" in caplog.text
    assert result.score.record()["score_is"]["tied"] == {"t": 0.25}
    assert replace(result.tasks["t"], num_tied=0).tied_share == 0
