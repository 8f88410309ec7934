"""Run folders with a log, a sweep of them, and the page of a dashboard."""

import base64
import csv
import json
from dataclasses import replace

import numpy as np

from tests.comparison.material import make_config, make_suite, some_failures, write_run
from unite.comparison.dashboard.gather import Gathering
from unite.comparison.dashboard.page import render_dashboard
from unite.comparison.dashboard.payload import make_payload
from unite.comparison.dashboard.shown_runs import shown
from unite.comparison.evaluated_runs import read_run
from unite.evaluation.failures_file import Failure, TaskFailures, failures_to_json
from unite.media.preview import Preview

BATCH, SPEED, TOKENS = 32, 64.0, 6400.0


def row(step, stage="adaptation", **values):
    return {
        "step": step,
        "stage": stage,
        "train/loss": 3 - step / 100,
        "throughput/samples_per_second": SPEED,
        "throughput/tokens_per_second": TOKENS,
    } | values


def write_log(folder, rows, name="log"):
    (folder / name).mkdir(parents=True, exist_ok=True)
    keys = list(dict.fromkeys(key for one in rows for key in one))
    with (folder / name / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, keys)
        writer.writeheader()
        writer.writerows(rows)


def mixture(**shares):
    return {"sources": {name: {"shards": name, "neighbours": 4} for name in shares}, "shares": shares}


def write_job(folder, share, *, objective="mamcl", seed=0, score=0.5, name="emoji", finished=True, num=20, failures=True):
    """Writes the folder of a job: its mixture has `share` of t2i, its log ten rows a stage."""
    both = mixture(t2i=share, t2v=1 - share)
    config = make_config(
        seed, mixture=both, data={"batch_size": BATCH}, alignment={"max_steps": 100}, encoder={"checkpoint": {"seed": seed}}
    )
    config["adaptation"] = {"name": "adaptation", "mixture": both, "objective": config["objective"], "max_steps": 100}
    suites = [make_suite(score, seed, num, name=name)] if finished else []
    write_run(folder, *suites, config=config, failures={"t2i": some_failures()} if failures else None)
    hydra = {"hydra": {"runtime": {"choices": {"mixture": f"share_{share}", "objective": objective}}}}
    (folder / "hydra").mkdir()
    (folder / "hydra" / "hydra.yaml").write_text(json.dumps(hydra))
    steps = range(10, 110, 10)
    rows = [row(step, "alignment") for step in steps]
    rows += [
        row(step, **{"train/source/t2i/loss": 2 - share, "validation/score": score} if step % 50 == 0 else {"train/source/t2i/loss": 2})
        for step in steps
    ]
    write_log(folder, rows)
    if finished:
        (folder / "finished").touch()
    return folder


def write_sweep(folder, shares=(0.2, 0.5, 0.8), objectives=("mamcl", "infonce")):
    """Writes a sweep: the larger the share of t2i, the better; InfoNCE a little worse."""
    folder.mkdir(parents=True)
    (folder / "multirun.yaml").write_text("{}")
    jobs = [(share, objective) for share in shares for objective in objectives]
    for number, (share, objective) in enumerate(jobs):
        write_job(folder / f"{number}_{objective}_{share}", share, objective=objective, score=share - 0.1 * (objective == "infonce"))
    return folder


def page_of(path, *arguments):
    """Writes the page of the runs and returns its path."""
    gathered = Gathering(list(map(str, arguments))).read()
    path.write_text(render_dashboard(make_payload(gathered.runs, gathered.notes, gathered.title)), encoding="utf-8")
    return path


def many_runs(folder, number, num_rows=230, num_tasks=11):
    """Runs of eight folders under names of their own, each as large as that of the built-in run: rows of 60 values, 8 failures a task."""
    random = np.random.default_rng(0)
    runs = []
    for place in range(8):
        path = write_job(folder / str(place), 0.1 + place / 10, failures=False)
        values = {f"train/source/s{at}/{name}": at / 7 for at in range(15) for name in ("loss", "accuracy", "samples_share")}
        noise = {name: float(random.random()) for name in ("train/accuracy", "train/gradient_norm", *(f"health/{at}" for at in range(8)))}
        write_log(
            path,
            [row(10 * step, **values, **noise, **{"train/positive_similarity": float(random.random())}) for step in range(1, num_rows + 1)],
        )
        pictures = [base64.b64encode(random.bytes(4000)).decode() for _ in range(40 * num_tasks)]
        tasks = {f"task{at}": _failures(pictures[at * 40 : at * 40 + 40]) for at in range(num_tasks)}
        (path / "emoji_failures.json").write_text(failures_to_json("emoji", tasks))
        base = shown(read_run(path, with_failures=False))
        for copy in range(number // 8):
            run = replace(base, run=replace(base.run, name=f"{place}-{copy}"))
            run.__dict__["stages"] = base.stages  # not read anew for each name
            runs.append(run)
    return runs


def _failures(pictures):
    previews = {f"c{at}": Preview(f"text {at}", "", (("image", picture),)) for at, picture in enumerate(pictures)}
    names = list(previews)
    failures = [Failure(names[at], 9, (names[at + 1],), tuple((name, 0.5) for name in names[at + 1 : at + 5])) for at in range(0, 40, 5)]
    return TaskFailures(tuple(failures), previews, previews)
