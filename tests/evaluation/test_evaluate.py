import io
import json

import pytest
import torch
from rich.console import Console

from tests.evaluation.material import NUM, fused
from unite.config.schema import SuiteConfig
from unite.embedding.memory import MemoryCache
from unite.errors import CollectedError, DataError
from unite.evaluation.evaluate import evaluate
from unite.evaluation.results import SuiteResult
from unite.evaluation.suite import Suite
from unite.retrieval.ranks import ranks


def test_the_folder_holds_metrics_a_plot_and_the_ranks_and_failures_of_each_suite(make_task, encoder, tmp_path):
    suites = [Suite(SuiteConfig(name="held_out", tasks={"t": make_task()})), Suite(SuiteConfig(name="held_in", tasks={"t": make_task(10)}))]
    evaluation = evaluate(encoder, suites, tmp_path / "run", Console(file=io.StringIO()))
    ranks = ["held_out.json", "held_in.json"]
    expected = ["metrics.json", "recall.png", *ranks, "held_out_failures.json", "held_in_failures.json"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(expected)
    assert [SuiteResult.from_json((tmp_path / "run" / name).read_text()) for name in ranks] == evaluation.results
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert evaluation.score == metrics.pop("score")
    told = {"name": "mean recall@1 over 1 task", "mean_of": ["held_out/t/recall@1"], "not_run": [], "direction": "higher is better"}
    told["ties"] = "trec_eval"
    assert metrics.pop("score_is") == told
    assert metrics == evaluation.metrics() and {key.split("/")[0] for key in metrics} == {"held_out", "held_in"}
    assert evaluation.score == metrics["held_out/mean/recall@1"]


def test_evaluation_embeds_only_the_blanked_queries_anew_and_writes_what_it_found(make_task, encoder, tmp_path):
    task, file = fused(make_task, True), io.StringIO()
    suite = Suite(SuiteConfig(name="s", tasks={"it2it": task}, diagnose=True))
    evaluation = evaluate(encoder, [suite], tmp_path, Console(file=file, width=120), MemoryCache())
    assert len(encoder.processor.encoded) == len({content.fingerprint for content in (*task.queries, *task.candidates)}) + 2 * NUM
    assert (
        f'"s/diagnostics/recall@1_without_medium/it2it": {evaluation.diagnoses[0].tasks["it2it"].recall_without_medium}'
        in (tmp_path / "metrics.json").read_text()
    )
    text = " ".join(file.getvalue().split())
    assert "s: diagnostics" in text and "T+I → T+I" in text and "uniformity (lower is more even): text+image" in text


def test_what_is_embedded_on_the_cpu_is_ranked_there_though_there_is_a_gpu(make_task, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)  # whoever goes there fails
    with pytest.raises((AssertionError, RuntimeError), match="CUDA|NVIDIA"):
        ranks(torch.ones(1, 2), torch.ones(1, 2), torch.tensor([[0]]))
    suite = Suite(SuiteConfig(name="built_in", tasks={"t": fused(make_task, True)}, diagnose=True))
    evaluate(encoder, [suite], tmp_path, Console(file=io.StringIO()))
    assert (tmp_path / "metrics.json").is_file()


def test_without_the_switch_there_is_no_diagnosis(make_task, encoder, tmp_path):
    assert (
        evaluate(encoder, [Suite(SuiteConfig(name="s", tasks={"t": make_task()}))], tmp_path, Console(file=io.StringIO())).diagnoses == []
    )


def test_a_broken_task_costs_none_of_the_others_and_is_told_at_the_end(make_task, encoder, tmp_path, caplog):
    (tmp_path / "empty").mkdir()
    suite = Suite(SuiteConfig(name="s", tasks={"broken": str(tmp_path / "empty"), "t": make_task()}, diagnose=True))
    with pytest.raises(DataError, match=r"1 of 2 tasks cannot be evaluated; the results of the others are in .*run:\n.*empty"):
        evaluate(encoder, [suite], tmp_path / "run", Console(file=io.StringIO()))
    result = SuiteResult.from_json((tmp_path / "run" / "s.json").read_text())
    assert list(result.tasks) == ["t"] and "empty" in result.missing["broken"]
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["score_is"]["not_run"] == ["broken"]
    assert [record.levelname for record in caplog.records if "empty" in record.message] == ["ERROR"]


def test_where_all_tasks_are_broken_all_are_told(encoder, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    suite = Suite(SuiteConfig(name="s", tasks={name: str(tmp_path / name) for name in "ab"}))
    with pytest.raises(CollectedError, match=r"2 things are to be mended"):
        evaluate(encoder, [suite], tmp_path / "run", Console(file=io.StringIO()))
    assert not (tmp_path / "run").exists()
