"""The folder of a finished run, as training and evaluation leave it, with a tiny encoder whose weights nobody trained."""

import json

import yaml

from tests.comparison.material import make_suite
from tests.encoder.checkpoints import tiny
from unite.encoder.vlm import VLMEncoder
from unite.evaluation.results import write_metrics

FINGERPRINT = "ab" * 32
OPTIMIZER = {"_target_": "unite.training.adamw.AdamWCosine", "lr": 0.001, "ema_decay": None}


def a_source(**changes):
    return {
        "_target_": "unite.data.source.SourceDataModule",
        "name": "own",
        "shards": "gone/own",
        "query": "text",
        "positive": "image",
    } | changes


def a_config(sources=None, **changes):
    mixture = {"sources": sources or {"own": a_source()}, "shares": {}, "temperature": None}
    objective = {"_target_": "unite.objective.MAMCL", "temperature": 0.05}
    return {
        "name": "stage2",
        "seed": 3,
        "init_from": None,
        "encoder": {"checkpoint": {"_target_": "x.Tiny", "architecture": "qwen3_vl"}, "adapter": None, "train_vision": True},
        "mixture": mixture,
        "objective": objective,
        "optimizer": OPTIMIZER,
        "data": {"batch_size": 4},
        "alignment": {"name": "alignment", "max_steps": 0},
        "adaptation": {"name": "adaptation", "max_steps": 20, "mixture": mixture, "objective": objective, "optimizer": OPTIMIZER},
        **changes,
    }


def write_encoder(folder):
    """Writes the folder of a tiny encoder of the built-in kind, as a run exports it."""
    VLMEncoder(str(tiny(folder.parent / "checkpoints")), dtype="float32", min_image_tokens=1, max_image_tokens=16, max_length=512).save(
        folder
    )
    return folder


def write_finished_run(folder, encoder, *suites, config=None, provenance=None, rows=()):
    """Writes the folder of a finished run whose encoder is a link to one, and returns it.

    Args:
        suites: evaluated at its end.
        rows: of its log, key -> value; one of step 10 and one of step 20 by default.
    """
    folder.mkdir(parents=True)
    (folder / "encoder").symlink_to(encoder)
    (folder / "config.yaml").write_text(yaml.safe_dump(config or a_config()))
    told = {"python": "3.11", "git_commit": "c0ffee", "packages": {"torch": "2.13", "wandb": None}, "held_out": {"adaptation": {}}}
    (folder / "provenance.json").write_text(json.dumps({**told, "data": {"adaptation": {"own": FINGERPRINT}}, **(provenance or {})}))
    speed = {"throughput/samples_per_second": 2.0, "throughput/tokens_per_second": 50.0}
    rows = rows or [
        {"step": 10, "train/loss": 2.0, "train/accuracy/text-to-image": 0.25, "source_epochs/own": 0.5, **speed},
        {"step": 20, "train/loss": 1.0, "train/accuracy/text-to-image": 0.75, "source_epochs/own": 1.25, **speed},
    ]
    keys = sorted({key for row in rows for key in row})
    (folder / "log").mkdir()
    lines = [",".join(["stage", *keys]), *(",".join(["adaptation", *(str(row.get(key, "")) for key in keys)]) for row in rows)]
    (folder / "log" / "metrics.csv").write_text("\n".join(lines) + "\n")
    for suite in suites:
        (folder / f"{suite.name}.json").write_text(suite.to_json())
    if suites:
        write_metrics(folder / "metrics.json", *suites)
    (folder / "finished").touch()
    return folder


def some_suite(**tasks):
    return make_suite(name="pictures", **tasks)
