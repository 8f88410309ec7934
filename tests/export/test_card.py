"""The whole card, with `card_limits.py`, `card_recipe.py` and `card_results.py`; its snippets are run as they stand."""

import json
import math
import re
import shutil
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from tests.comparison.material import make_task
from tests.export.finished_runs import a_config, a_source, some_suite, write_encoder, write_finished_run
from unite.errors import CheckpointError, DataError
from unite.export.card import card_files, model_card
from unite.export.folder import write_folder
from unite.export.source import find_source


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("exported") / "encoder")


@pytest.fixture
def run(tmp_path, tiny_encoder):
    return write_finished_run(tmp_path / "runs" / "stage2" / "first", tiny_encoder, some_suite())


def page_of(card):
    """The card as the Hub shows it: HTML in Markdown is passed through, as it may be there."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(card.partition("\n---\n")[2])


def cells(card, first):
    """The cells of the row of a table that begins with one."""
    row = next(line for line in card.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def test_the_hub_reads_its_front_matter_and_finds_each_figure_under_its_task(run):
    suite = some_suite()
    data = ModelCard(model_card(run, "me/first", "apache-2.0")).data
    assert (data.library_name, data.license, data.pipeline_tag, data.base_model) == (
        "sentence-transformers",
        "apache-2.0",
        "feature-extraction",
        None,
    )
    assert {"sentence-transformers", "image", "mamcl"} <= set(data.tags) and data.model_name == "first"
    found = {(one.dataset_name, one.metric_name): one.metric_value for one in data.eval_results}
    assert found == {
        (f"pictures/{task}", metric): pytest.approx(value, abs=5e-5)
        for task, result in suite.tasks.items()
        for metric, value in result.metrics.items()
    }


def test_the_tables_hold_the_figures_of_the_run(run):
    card = model_card(run)
    task = some_suite().tasks["it2v"]
    right = [query.ranks[0] == 1 for query in task.judged.values()]
    shown = cells(card, "`it2v`")
    assert shown[1:4] == ["T+I → V", "recall@1", f"{100 * sum(right) / 60:.1f}"] and shown[5:8] == ["2", "60", "50"]
    low, high = map(float, shown[4].split(" to "))
    assert low < 100 * sum(right) / 60 < high
    assert cells(card, "mean of 3")[3] == f"{100 * some_suite().means()['recall@1']:.1f}"
    # 20 steps of 4 samples at 2 a second are 40 s, at 50 tokens a second.
    assert cells(card, "`adaptation`")[1:3] == ["20", "4"] and "| `adaptation` | 0.0111 | 2 | 2,000 |" in card
    assert (
        "`MAMCL(temperature=0.05)`" in card
        and "`AdamWCosine(lr=0.001)`" in card
        and "Seed 3. Code `c0ffee`, Python 3.11, torch 2.13." in card
    )
    assert cells(card, "embedding")[1].startswith("32 numbers") and cells(card, "longest content")[1].startswith("512 tokens")
    assert cells(card, "`own`")[2:7] == ["100.0 %", "1.25", "unknown", "unknown", "no datasheet beside the shards"]


def test_the_picture_that_the_card_shows_goes_with_it(run):
    files = card_files(run, "first")
    assert files["README.md"].decode() == model_card(run, "first") and "](training_curves.png)" in model_card(run)
    assert list(files) == ["README.md", "training_curves.png"] and files["training_curves.png"].startswith(b"\x89PNG")


def test_the_parameters_are_those_of_the_weights(run, tiny_encoder):
    from transformers import AutoModel

    expected = AutoModel.from_pretrained(tiny_encoder).num_parameters()
    assert cells(model_card(run), "parameters")[1] == f"{expected:,}"


def test_a_mean_of_several_tasks_of_a_pair_has_its_own_row_and_a_subset_none(tmp_path, tiny_encoder):
    tasks = {"more": make_task([1] * 30 + [9] * 10), "part": make_task([1] * 9, kind="subset")}
    card = model_card(write_finished_run(tmp_path / "run", tiny_encoder, some_suite(**tasks)))
    suite = some_suite(**tasks)
    expected = (suite.tasks["t2i"].metrics["recall@1"] + 0.75) / 2
    assert cells(card, "mean of 2")[1:4] == ["T → I", "", f"{100 * expected:.1f}"]
    assert cells(card, "mean of 4")[1] == "all"


def test_what_the_run_does_not_tell_is_said_to_be_unknown_and_nothing_is_made_up(tmp_path, tiny_encoder):
    run = write_finished_run(
        tmp_path / "run", tiny_encoder, provenance={"git_commit": None, "data": {}}, rows=[{"step": 3, "train/other": 1}]
    )
    card = model_card(run)
    assert "None: the run was not evaluated." in card and "It was not evaluated in its run." in card and "Code `unknown`" in card
    assert cells(card, "`own`")[3] == "unknown" and cells(card, "`own`")[7] == "not recorded" and "On: not recorded." in card
    assert "training_curves.png" not in card and "licence of the weights | unknown" in card
    assert list(card_files(run)) == ["README.md"]


def test_a_record_of_an_earlier_version_lacks_what_it_lacks(tmp_path, tiny_encoder):
    run = write_finished_run(tmp_path / "run", tiny_encoder, some_suite())
    (run / "provenance.json").write_text("{}")
    assert "Seed 3. Code `unknown`, Python unknown.\n" in model_card(run)


def test_a_metric_that_is_no_number_is_none(tmp_path, tiny_encoder):
    suite = some_suite(odd=make_task([1, 2, 3]))
    task = suite.tasks["odd"]
    suite.tasks["odd"] = replace(task, metrics=dict.fromkeys(task.metrics, math.nan))
    card = model_card(write_finished_run(tmp_path / "run", tiny_encoder, suite))
    assert cells(card, "`odd`")[3] == "-" and "nan" not in card
    assert "odd" not in {one.dataset_config for one in ModelCard(card).data.eval_results or ()}


def test_limits_are_those_of_the_run(tmp_path, tiny_encoder):
    near = make_task([1] + [30] * 49, pool=50)
    rows = [{"step": 20, "train/loss": 1.0, "train/cut_share": 0.25}, {"step": 10, "train/cut_share": 0.15}]
    run = write_finished_run(tmp_path / "run", tiny_encoder, some_suite(hard=near), rows=sorted(rows, key=lambda row: row["step"]))
    (run / "skipped.jsonl").write_text('{"key": "a", "reason": "/home/me/a.jpg"}\n{"key": "b", "reason": "x"}\n')
    shutil.copy(run / "config.yaml", run / "config.resumed.yaml")
    card = model_card(run)
    limits = card.partition("## Limits")[2].partition("## What it took")[0]
    for told in (
        "- **A text beside a picture or video must not make more than 512 tokens with it in sentence-transformers**",
        "- It began with random weights",
        "- One run with one seed (3).",
        "- The licences of `own` are unknown.",
        "- No video was in its training data.",
        "- No rows of the training data were held out for validation.",
        "- In the stage `adaptation`, 20 % of the samples had a text that was too long",
        "- 2 samples could not be read",
        "- The run was resumed with other settings",
        "- Not told apart from chance on `pictures`: `hard`.",
    ):
        assert told in limits, told
    assert limits.count("\n- ") == 11 and "/home/me" not in card  # and the languages

    trained = a_config(encoder={"path": "Qwen/Qwen2-VL-2B-Instruct", "adapter": {"r": 8, "alpha": 16, "targets": ["language"]}})
    held_out = {"held_out": {"adaptation": {"own": "0123"}}, "hardware": {"device": "NVIDIA H200", "count": 8}}
    card = model_card(write_finished_run(tmp_path / "other", tiny_encoder, some_suite(), config=trained, provenance=held_out))
    assert (
        "- What the weights that it started from were trained on is not told here." in card
        and "random weights" not in card
        and "held out for validation" not in card
        and "near chance" not in card
    )
    assert "On: 8 x NVIDIA H200." in card and ModelCard(card).data.base_model == "Qwen/Qwen2-VL-2B-Instruct"
    assert cells(card, "trained")[1] == "LoRA of rank 8, alpha 16, on language; merged"


def test_what_users_wrote_is_text_and_no_path_of_a_machine_is_told(tmp_path, tiny_encoder):
    evil = "<script>alert(1)</script> [x](javascript:alert(2)) ![y](http://z.z/t.png) `|` **b**"
    config = a_config(sources={evil: a_source(name=evil, shards=f"{tmp_path}/data/own")})
    config["encoder"] = {"path": f"{tmp_path}/weights/base", "adapter": None}
    config["objective"] = config["adaptation"]["objective"] = {"_target_": "x.y.Own", "words": evil}
    data = {"adaptation": {evil: "ab"}}
    command = {"command": f"python {tmp_path}/train.py", "data": data}
    suite = some_suite(**{evil: make_task([1, 2, 3])})
    card = model_card(write_finished_run(tmp_path / "run", tiny_encoder, suite, config=config, provenance=command), f"a {evil}")
    page = page_of(card)
    assert not re.search(r"<script|<a [^>]*(javascript|z\.z)|<img[^>]*z\.z|<strong>b<", page) and page.count("&lt;script&gt;") >= 4
    assert str(tmp_path) not in card and "started from | base |" in card
    assert ModelCard(card).data.eval_results[-1].dataset_name == f"pictures/{evil}"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: shutil.rmtree(run), "must be a run folder of unite.train, but is 'no folder'"),
        (lambda run: (run / "config.yaml").unlink(), "'a folder without config.yaml'. A card is made of what a run recorded"),
        (lambda run: (run / "finished").unlink(), "must be finished, but is 'not finished'. .* Finish it with resume=true first"),
        (
            lambda run: (run / "config.yaml").write_text("checkpoint: x"),
            "another command's.. An evaluation's folder tells its training run",
        ),
        (lambda run: (run / "config.yaml").write_text("a: ["), "config.yaml cannot be read"),
        (lambda run: (run / "provenance.json").unlink(), "provenance.json cannot be read .* copy the run's folder again"),
        (lambda run: (run / "pictures.json").write_text("{"), "pictures.json: this is no result of a suite"),
        (lambda run: (run / "pictures.json").unlink(), "must be there, as metrics.json names its suite"),
        (lambda run: (run / "encoder").unlink(), "encoder is not whole: copy the run's folder again"),
    ],
)
def test_a_folder_of_which_no_card_can_be_made_says_why(run, spoil, message):
    spoil(run)
    with pytest.raises((CheckpointError, DataError), match=message):
        model_card(run)


def snippets(card):
    return re.findall(r"^```python\n(.*?)^```$", card, re.DOTALL | re.MULTILINE)


def test_the_snippets_run_as_they_stand_in_the_folder_that_holds_the_export(run, tmp_path, monkeypatch, capsys):
    write_folder(find_source(run), tmp_path / "my encoder", beside=card_files(run, "my encoder"))
    monkeypatch.chdir(tmp_path)
    found = snippets((tmp_path / "my encoder" / "README.md").read_text())
    assert len(found) == 5
    for snippet in found:
        exec(compile(snippet, "snippet", "exec"), {})
        assert re.search(r"\d\.\d+", capsys.readouterr().out), snippet


def test_which_weights_they_are_and_what_they_may_be_cut_to(tmp_path, tiny_encoder):
    plain = a_config()
    wrapped = {"_target_": "unite.objective.Matryoshka", "dims": [8, 4096, 16], "objective": plain["objective"]}
    adapter = {"adapter": {"r": 4, "alpha": 8, "targets": ["language"]}, "quantization": "nf4"}
    last = plain["adaptation"] | {"optimizer": plain["optimizer"] | {"ema_decay": 0.9}, "objective": wrapped}
    run = write_finished_run(tmp_path / "run", tiny_encoder, config=a_config(adaptation=last, encoder=adapter, export="best"))
    card = model_card(run, dtype="bfloat16")
    assert cells(card, "weights")[1] == "an average over the steps (ema_decay=0.9), at the step that was best in validation"
    assert cells(card, "embedding")[1].endswith("compared by cosine; may be cut to 4096, 16, 8 (truncate_dim)")
    assert cells(card, "type of the weights")[1] == "bfloat16; trained and evaluated in float32"
    assert cells(card, "trained")[1] == "LoRA of rank 4, alpha 8, on language (weights held in nf4 meanwhile); merged"
    assert "`Matryoshka(dims=[8, 4096, 16], objective=MAMCL(temperature=0.05))`" in card
    best = run / "checkpoints" / "adaptation" / "best"
    best.mkdir(parents=True)
    (best / "best.json").write_text('{"step": 15, "score": 0.5, "file": "step=15.ckpt"}')
    assert cells(model_card(run), "weights")[1].endswith(", at step 15, the best in validation")
    other = model_card(write_finished_run(tmp_path / "other", tiny_encoder), dtype="float32")
    assert cells(other, "weights")[1] == "the model's own, at the end of training"
    assert cells(other, "type of the weights")[1] == "float32" and cells(other, "embedding")[1].endswith("compared by cosine")


def test_plain_positions_are_told_among_the_limits(tmp_path, tiny_encoder):
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    reading = json.loads((encoder / "unite_encoder.json").read_text())
    (encoder / "unite_encoder.json").write_text(json.dumps(reading | {"positions": "sequential"}))
    told = "- **Its positions are plain**"
    assert told in model_card(write_finished_run(tmp_path / "run", encoder))
    assert told not in model_card(write_finished_run(tmp_path / "other", tiny_encoder))
