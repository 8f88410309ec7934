import io
import json
from dataclasses import replace

import numpy as np
import pytest
import pytrec_eval
from rich.console import Console

from tests.fake_encoder import FakeEncoder
from tests.watched import watched
from unite.config.schema import SuiteConfig
from unite.embedding.embed import embed_contents
from unite.errors import ConfigError, DataError
from unite.evaluation import suite
from unite.evaluation.recall_plot import draw_recall, plot_recall
from unite.evaluation.results import SuiteResult, write_metrics
from unite.evaluation.suite import Suite
from unite.evaluation.terminal_table import table
from unite.types import Content

TREC = {"recall@1": "recall_1", "recall@5": "recall_5", "recall@10": "recall_10", "mrr": "recip_rank", "ndcg@10": "ndcg_cut_10"}


def trec_means(task, encoder):
    """The task's metrics by pytrec_eval, from the full matrix of scores."""
    queries, candidates = embed_contents(encoder, task.queries), embed_contents(encoder, task.candidates)
    scores = (queries @ candidates.T).numpy()
    run = {
        query: {
            name: float(scores[row, column])
            for column, name in enumerate(task.candidate_ids)
            if task.pools is None or name in task.pools[query]
        }
        for row, query in enumerate(task.query_ids)
    }
    evaluator = pytrec_eval.RelevanceEvaluator(dict(task.relevance), {"recall.1,5,10", "recip_rank", "ndcg_cut.10"})
    values = evaluator.evaluate(run)
    return {ours: np.mean([values[query][theirs] for query in task.query_ids]) for ours, theirs in TREC.items()}


def hard_task(make_task, **changes):
    """Twenty queries with two graded right answers each, and candidates that are equal contents: ties."""
    random = np.random.default_rng(0)
    return make_task(
        20,
        candidates=[Content(text=f"word {at // 2}") for at in range(20)],
        relevance={f"q{at}": {f"c{at}": 2, f"c{random.integers(20)}": 1} for at in range(20)},
        **changes,
    )


def test_metrics_equal_trec_eval(make_task, encoder):
    task = hard_task(make_task)
    result = Suite(SuiteConfig(name="built_in", tasks={"hard": task})).run(encoder)
    expected = trec_means(task, encoder)
    assert 0 < expected["recall@1"] < 1
    assert result.tasks["hard"].metrics == pytest.approx(expected, abs=1e-6)


def test_metrics_within_pools_equal_trec_eval(make_task, encoder):
    random = np.random.default_rng(1)
    task = hard_task(make_task)
    pools = {query: sorted({*task.relevance[query], *(f"c{at}" for at in random.permutation(20)[:12])}) for query in task.query_ids}
    pooled = hard_task(make_task, pools=pools)
    result = Suite(SuiteConfig(name="built_in", tasks={"pooled": pooled})).run(encoder)
    assert result.tasks["pooled"].metrics == pytest.approx(trec_means(pooled, encoder), abs=1e-6)
    assert result.tasks["pooled"].metrics != pytest.approx(trec_means(task, encoder), abs=1e-6)


def test_k_beyond_the_candidates_is_what_trec_eval_makes_of_it_and_told_once(make_task, encoder, caplog):
    caplog.set_level("INFO")
    small = make_task(6, metrics=("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10"))
    pools = {f"q{at}": [f"c{at}", f"c{(at + 1) % 6}", f"c{(at + 2) % 6}"] for at in range(6)}
    tasks = {"few": small, "pooled": make_task(6, metrics=small.metrics, pools=pools)}
    result = Suite(SuiteConfig(name="built_in", tasks=tasks)).run(encoder)
    for name, task in tasks.items():
        assert result.tasks[name].metrics == pytest.approx(trec_means(task, encoder), abs=1e-6)
        assert result.tasks[name].metrics["recall@10"] == 1
    assert caplog.text.count("its whole ranking is looked at, as trec_eval does (few, pooled)") == 1


def test_queries_of_one_candidate_are_told(make_task, encoder, caplog):
    pools = {f"q{at}": [f"c{at}", "c0"][: 1 + (at > 1)] for at in range(6)}
    Suite(SuiteConfig(name="s", tasks={"t": make_task(6, pools=pools)})).run(encoder)
    assert "s/t: 2 of 6 queries have one candidate, which is right whatever the encoder" in caplog.text


def test_the_token_budget_changes_no_metric(make_task):
    task = hard_task(make_task)
    small, large = (
        Suite(SuiteConfig(name="s", tasks={"t": task}, token_budget=budget)).run(FakeEncoder()).metrics() for budget in (7, 10_000)
    )
    assert small == pytest.approx(large, abs=1e-6)


def test_keys_and_the_mean_over_pairs_without_subsets(make_task, encoder):
    subset = make_task(8, candidates=[Content(text=f"word {7 - at}") for at in range(8)], kind="subset")
    result = Suite(SuiteConfig(name="built_in", tasks={"a": make_task(), "b": hard_task(make_task), "spatial": subset})).run(encoder)
    metrics = result.metrics()
    assert {key for key in metrics if "spatial" in key} == {
        "built_in/spatial/recall@1",
        "built_in/spatial/recall@5",
        "built_in/spatial/mrr",
    }
    a, b = metrics["built_in/a/recall@1"], metrics["built_in/b/recall@1"]
    assert metrics["built_in/mean/recall@1"] == pytest.approx((a + b) / 2)
    assert a != b
    assert "built_in/mean/ndcg@10" in metrics


def test_contents_that_tasks_share_are_encoded_once(make_task, encoder):
    task = make_task()
    other = make_task(queries=task.candidates, candidates=task.queries)
    Suite(SuiteConfig(name="s", tasks={"there": task, "back": other})).run(encoder)
    assert len(encoder.processor.encoded) == 24


def test_a_missing_folder_is_named_and_the_rest_runs(make_task, encoder, tmp_path, caplog):
    result = Suite(SuiteConfig(name="s", tasks={"here": make_task(), "gone": "no/such"}, data_root=tmp_path)).run(encoder)
    assert list(result.tasks) == ["here"]
    assert "no/such must be the folder of task gone, but is 'not there'" in result.missing["gone"]
    assert "no/such" in caplog.text
    with pytest.raises(DataError, match=r"no task of suite s could be run:\n  gone: .*/no/such must be the folder of task gone"):
        Suite(SuiteConfig(name="s", tasks={"gone": "no/such"}, data_root=tmp_path)).run(encoder)


def test_names_that_would_break_the_keys_are_refused(make_task):
    with pytest.raises(ConfigError, match="none of them 'mean'"):
        Suite(SuiteConfig(name="s", tasks={"mean": make_task()}))
    with pytest.raises(ConfigError, match="without slash"):
        Suite(SuiteConfig(name="s", tasks={"a/b": make_task()}))
    with pytest.raises(ConfigError, match="at least one"):
        Suite(SuiteConfig(name="s", tasks={}))


def test_it_is_shown_how_many_contents_are_embedded(make_task, encoder, monkeypatch):
    works = watched(monkeypatch, suite)
    Suite(SuiteConfig(name="s", tasks={"a": make_task(), "b": make_task()})).run(encoder)
    assert [(work.title, work.done, work.total) for work in works] == [("s/a", 24, 24), ("s/b", 24, 24)]


@pytest.fixture
def result(make_task, encoder):
    subset = make_task(8, kind="subset")
    return Suite(SuiteConfig(name="built_in", tasks={"hard": hard_task(make_task), "spatial": subset, "gone": "no/such"})).run(encoder)


def test_json_round_trip(result):
    again = SuiteResult.from_json(result.to_json())
    assert again == result
    with pytest.raises(DataError, match="this is no result of a suite"):
        SuiteResult.from_json("{}")


def test_metrics_file_is_flat_and_whole(result, tmp_path):
    write_metrics(tmp_path / "run" / "metrics.json", result)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == result.metrics()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["metrics.json"]


def shown(view):
    console = Console(width=120, file=io.StringIO())
    console.print(view)
    return console.file.getvalue()


def test_the_table_shows_every_task_and_held_in_beside_held_out(result, make_task):
    held_in = Suite(SuiteConfig(name="built_in_train", tasks={"hard": make_task()})).run(FakeEncoder())
    text = shown(table(result, held_in))
    row = next(line for line in text.splitlines() if line.strip().startswith("hard"))
    values = result.tasks["hard"].metrics
    assert f"{100 * values['recall@1']:.1f} ±" in row
    assert f"{100 * held_in.tasks['hard'].metrics['recall@1']:.1f}" in row.split("±")[1]
    assert f"{100 * values['ndcg@10']:.1f}" in row
    assert "T → T" in row
    assert "of 1; 1 not run" in text  # of the pairs: the subset is below
    assert "Not run: gone" in text
    assert "held-in" not in shown(table(result))


def test_below_the_table_stand_few_reasons_or_where_they_are(result):
    few = replace(result, missing={"a": "No x.", "b": "No y.", "c": "No x."})
    assert "Not run: a, c. No x." in (text := shown(table(few))) and "Not run: b. No y." in text
    many = replace(result, missing={f"t{number}": f"No {number}." for number in range(7)})
    text = shown(table(many))
    assert text.count("Not run:") == 1
    assert "Not run: t0, t1, t2, t3, t4 and 2 more. What each lacks stands in built_in.json." in " ".join(text.split())


def test_the_plot_shows_bars_of_recall_and_chance(result, tmp_path):
    figure = draw_recall(result, held_in=result)
    axes = figure.axes[0]
    widths = sorted(bar.get_width() for bar in axes.patches)
    recalls = sorted(2 * [100 * task.metrics["recall@1"] for task in result.tasks.values()])
    assert widths == pytest.approx(recalls)
    ticks = [line.get_xdata()[0] for line in axes.lines if line.get_label() == "chance"]
    assert ticks == pytest.approx([100 / 20, 100 / 8])
    assert axes.get_title(loc="left").endswith(": R@1 by task")
    plot_recall(result, tmp_path / "recall.png")
    assert (tmp_path / "recall.png").read_bytes().startswith(b"\x89PNG")


def test_of_a_task_without_recall_the_plot_shows_its_main_metric_and_no_chance(encoder, make_task):
    tasks = {"pages": make_task(metrics=("ndcg_linear@5",)), "classes": make_task(metrics=("hit@1", "mrr"))}
    result = Suite(SuiteConfig(name="mixed", tasks=tasks)).run(encoder)
    axes = draw_recall(result).figure.axes[0]
    values = [100 * result.tasks["pages"].metrics["ndcg_linear@5"], 100 * result.tasks["classes"].metrics["hit@1"]]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(values)
    assert axes.get_title(loc="left") == "mixed: ndcg_linear@5 or R@1 by task"
    assert len([line for line in axes.lines if line.get_label() == "chance"]) == 1
    text = shown(table(result))
    assert "R@1 or nDCG@5" in text and "R@5" not in text and " MRR" in text
    for name, metric in (("pages", "ndcg_linear@5"), ("classes", "hit@1")):
        assert f" {100 * result.tasks[name].metrics[metric]:.1f} ±" in next(line for line in text.splitlines() if name in line)
    mean = next(line for line in text.splitlines() if line.strip().startswith("mean"))
    assert f" {100 * result.means()['main_metric']:.1f} " in f"{mean} "
