import datetime
import io
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from tests.reference.leaderboard_report import overall, report
from tests.reference.ranking import metrics_of
from unite.config.schema import SuiteConfig
from unite.config.schema.evaluation import LeaderboardConfig
from unite.errors import ConfigError
from unite.evaluation.evaluate import evaluate
from unite.evaluation.leaderboard import model_metadata
from unite.evaluation.suite import Suite

DATASETS = {"image": ["ImageNet-1K", "CIRR"], "video": ["K700"], "visdoc": ["ViDoSeek-page-fixed"]}


@pytest.fixture
def run(make_task, encoder, tmp_path):
    """Evaluates four tasks; returns the result, the file and what was printed."""

    def evaluated(**options):
        graded = {f"q{at}": {f"c{at}": 1, f"c{(at + 1) % 12}": 3, f"c{(at + 5) % 12}": 2} for at in range(12)}
        tasks = {
            "ImageNet-1K": make_task(12, metrics=("hit@1",)),
            "CIRR": make_task(10, metrics=("hit@1",), pools={f"q{at}": [f"c{at}", f"c{at ^ 1}"] for at in range(10)}),
            "K700": make_task(11, metrics=("hit@1",)),
            "ViDoSeek-page": make_task(12, metrics=("ndcg_linear@5",), relevance=graded),
        }
        groups = {"image": ["ImageNet-1K", "CIRR"], "video": ["K700"], "visdoc": ["ViDoSeek-page"]}
        leaderboard = LeaderboardConfig(modalities=list(groups), task_names={"ViDoSeek-page": "ViDoSeek-page-fixed"}, **options)
        suite = Suite(SuiteConfig(name="mmeb_v2", tasks=tasks, groups=groups, data_root=str(tmp_path), leaderboard=leaderboard))
        printed = io.StringIO()
        evaluation = evaluate(encoder, [suite], tmp_path / "run", Console(file=printed, width=100))
        return evaluation, json.loads((tmp_path / "run" / "leaderboard.json").read_text()), printed.getvalue()

    return evaluated


def test_the_report_of_the_benchmark_reads_the_means_that_we_report(run):
    evaluation, file, printed = run()
    metrics, read = evaluation.metrics(), report(file, DATASETS)
    assert {modality: missing for modality, (_, missing) in read.items()} == {"image": [], "video": [], "visdoc": []}
    assert read["image"][0] == pytest.approx(metrics["mmeb_v2/mean_image/hit@1"])
    assert read["video"][0] == pytest.approx(metrics["mmeb_v2/mean_video/hit@1"])
    assert read["visdoc"][0] == pytest.approx(metrics["mmeb_v2/mean_visdoc/ndcg_linear@5"])
    assert overall(file, DATASETS) == pytest.approx(metrics["mmeb_v2/mean/main_metric"]) == pytest.approx(evaluation.score)
    assert evaluation.scored.name == "mean main metric over 4 tasks"
    shown = " ".join(printed.split())
    assert "mean image of 2" in shown and "mean visdoc of 1" in shown and "4 of its 4 tasks" in shown


def test_every_task_has_all_metrics_at_1_5_and_10(run):
    evaluation, file, _ = run()
    for modality, names in DATASETS.items():
        for name in names:
            scores = file["metrics"][modality][name]
            task = evaluation.results[0].tasks[name.removesuffix("-fixed")]
            assert scores.pop("num_pred") == scores.pop("num_data") == task.num_queries
            rows = []
            for judged, pool in zip(task.judged.values(), task.pool_sizes, strict=True):
                ranking = [f"rank {rank}" for rank in range(1, pool + 1)]
                grades = {f"rank {rank}": grade for rank, grade in zip(judged.ranks, judged.grades, strict=True)}
                rows.append({f"{metric}@{k}": value for k in (1, 5, 10) for metric, value in metrics_of(ranking, grades, k).items()})
            assert scores == pytest.approx({metric: sum(row[metric] for row in rows) / len(rows) for metric in rows[0]})


def test_a_partial_run_is_told_and_its_gaps_are_marked_as_the_report_marks_them(make_task, encoder, tmp_path):
    tasks = {"a": make_task(12, metrics=("hit@1",)), "b": "not_there"}
    leaderboard = LeaderboardConfig(modalities=["image"])
    suite = Suite(SuiteConfig(name="s", tasks=tasks, groups={"image": ["a", "b"]}, data_root=str(tmp_path), leaderboard=leaderboard))
    printed = io.StringIO()
    evaluate(encoder, [suite], tmp_path / "run", Console(file=printed, width=100))
    file = json.loads((tmp_path / "run" / "leaderboard.json").read_text())
    assert file["metrics"]["image"]["b"] == "FILE_N/A" and report(file, {"image": ["a", "b"]})["image"][1] == ["b"]
    assert "1 of its 2 tasks. Without b it cannot be handed in." in printed.getvalue()


def test_what_nobody_told_of_the_model_is_null_and_asked_for(run):
    _, file, printed = run()
    known = {name: value for name, value in file["metadata"].items() if value is not None}
    assert set(known) == {"model_size", "embedding_dimension", "data_source", "report_generated_date"}
    assert known["data_source"] == "Self-Reported"
    assert datetime.datetime.fromisoformat(known["report_generated_date"])
    assert "suite.leaderboard.model_release_date=... suite.leaderboard.url=..." in printed
    _, file, printed = run(model_name="Mine", model_backbone="qwen2_vl", model_release_date="2026-01-31", url="https://example.org")
    assert file["metadata"]["model_name"] == "Mine" and "release_date" not in printed


def test_the_encoder_tells_the_rest(encoder, tmp_path):
    run = tmp_path / "stage2" / "2026-01-31"
    (run / "encoder").mkdir(parents=True)
    (run / "config.yaml").touch()
    encoder.config, encoder.dim = SimpleNamespace(path=str(run / "encoder")), 96
    encoder.model = SimpleNamespace(config=SimpleNamespace(model_type="qwen3_vl"))
    encoder.processor.max_length = 4096
    metadata = model_metadata(LeaderboardConfig(), encoder)
    assert [metadata[key] for key in ("model_name", "model_backbone", "embedding_dimension", "max_length_tokens")] == [
        "stage2-2026-01-31",
        "qwen3_vl",
        96,
        4096,
    ]


def test_a_modality_that_is_no_group_is_refused(make_task):
    leaderboard = LeaderboardConfig(modalities=["visdoc"])
    with pytest.raises(ConfigError, match="a name in suite.leaderboard.modalities must be one of image, but is 'visdoc'"):
        SuiteConfig(name="s", tasks={"t": make_task()}, groups={"image": ["t"]}, leaderboard=leaderboard)
