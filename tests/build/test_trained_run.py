"""What the folder of a run on data of one's own tells of what it was trained on and what it held out."""

import json
import logging
import shutil
from dataclasses import asdict

import pytest
from omegaconf import OmegaConf

from tests.composed import composed
from unite.build.suites import build_evaluation
from unite.build.train import build_stages
from unite.build.trained_run import TrainedRun, build_trained_held_out, trained_before
from unite.build.validation import build_held_out_suite
from unite.config.schema.encoder import ReadingConfig
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter
from unite.errors import ConfigError, DataError
from unite.runs import RunFolder
from unite.training.stages import provenance_of

HELD_OUT = ("validation=held_out", "validation.held_out.share=0.36")


def write(folder, numbers):
    with ShardWriter(folder, 7) as writer:
        for at in numbers:
            writer.write(Row(f"{at:03d}", StoredContent(f"number {at}"), (StoredContent(f"it is {at} of them"),)))
    return folder


def own(shards, *overrides):
    """A config whose mixture has the pairs in a folder."""
    mixture = ["mixture=tt", f"mixture.sources.t2t.shards={shards}", "mixture.sources.t2t.world=null", "alignment=none"]
    return composed("train", *mixture, *overrides)


def trained(folder, config):
    """Makes the folder of a run that was trained with a config; returns its stages too."""
    run = RunFolder(folder)
    run.write_config(OmegaConf.to_yaml(config, resolve=True))
    run.write_overrides([])
    stages = build_stages(config, run)
    for stage in stages:
        stage.mixture.check()
    run.write_provenance(**provenance_of(stages), init_from=config.init_from)
    (folder / "encoder").mkdir()
    (folder / "encoder" / "config.json").write_text('{"model_type": "qwen3_vl"}')
    (folder / "encoder" / "unite_encoder.json").write_text(json.dumps(asdict(ReadingConfig())))
    (folder / "finished").touch()
    return stages


@pytest.fixture
def shards(tmp_path):
    return write(tmp_path / "mine", range(100))


def ids_of(suite):
    return {name: (task.query_ids, task.candidate_ids) for name, task in suite.tasks.items()}


def test_the_rows_are_those_that_training_ended_with(tmp_path, shards, caplog):
    config = own(shards, *HELD_OUT, "validation.held_out.back=true")
    stages = trained(tmp_path / "run", config)
    expected = build_held_out_suite(config, stages)()
    for name in ("run", "run/encoder"):
        found = TrainedRun.of(tmp_path / name).held_out_suite()
        assert ids_of(found) == ids_of(expected) and set(found.tasks) == {"t2t", "t2t_back"}
        assert found.token_budget == expected.token_budget
        assert len(found.tasks["t2t"].query_ids) == 36

    evaluation = composed("evaluate", f"checkpoint={tmp_path / 'run'}")
    held_out = build_trained_held_out(evaluation)
    with caplog.at_level(logging.INFO):
        assert ids_of(held_out()) == ids_of(expected) and build_evaluation(evaluation, held_out, fits=False) is not None
    assert "evaluated on its held-out rows: its mixture has none of the suite's world" in caplog.text


@pytest.mark.parametrize(
    ("overrides", "said", "told"),
    [
        ((), [], "has no rows of the world of suite emoji; suite=pairs"),  # nothing was held out
        (HELD_OUT, ["suite=emoji_hard"], ""),  # it was evaluated on a suite that was asked for
        ((*HELD_OUT, "suite=coco"), [], ""),
    ],
)
def test_a_run_that_was_not_evaluated_on_held_out_rows_is_evaluated_on_the_suite(tmp_path, shards, caplog, overrides, said, told):
    trained(tmp_path / "run", own(shards, *overrides))
    (tmp_path / "run" / "overrides.json").write_text(json.dumps(said))
    assert build_trained_held_out(composed("evaluate", f"checkpoint={tmp_path / 'run'}")) is None
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert all(told in line for line in warned) and len(warned) == bool(told)


def test_rows_of_the_built_in_world_are_evaluated_on_its_suite(tmp_path):
    RunFolder(tmp_path / "run").write_config(OmegaConf.to_yaml(composed("train", *HELD_OUT), resolve=True))
    assert build_trained_held_out(composed("evaluate", f"checkpoint={tmp_path / 'run'}")) is None


def test_what_is_no_run_has_nothing_held_out(tmp_path):
    config = composed("evaluate", "checkpoint=x", f"run_folder={tmp_path}")
    RunFolder(tmp_path / "evaluated").write_config(OmegaConf.to_yaml(config, resolve=True))
    for checkpoint in (None, "", "Qwen/Qwen2-VL-2B-Instruct", tmp_path, tmp_path / "evaluated"):
        assert TrainedRun.of(checkpoint) is None


def test_data_that_are_gone_or_changed_are_told(tmp_path, shards):
    trained(tmp_path / "run", own(shards, *HELD_OUT))
    shutil.rmtree(shards)
    message = f"the rows that the run {tmp_path / 'run'} held out cannot be found again: "
    with pytest.raises(DataError, match=f"{message}source.emoji_t2t.shards must be a folder .*{shards}.* name what .*suite=pairs"):
        TrainedRun.of(tmp_path / "run").held_out_suite()
    write(shards, range(1, 101))
    with pytest.raises(DataError, match=rf"{message}the shards of source t2t \({shards}\) must be '?those of .*, but is 'others, of "):
        TrainedRun.of(tmp_path / "run").held_out_suite()


def test_a_version_that_would_hold_out_other_rows_is_told(tmp_path, shards):
    trained(tmp_path / "run", own(shards, *HELD_OUT))
    noted = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert len(noted["held_out"]["adaptation"]["t2t"]) == 16
    noted["held_out"]["adaptation"]["t2t"] = "0" * 16
    (tmp_path / "run" / "provenance.json").write_text(json.dumps(noted))
    with pytest.raises(DataError, match=r"the held-out rows of source t2t .* must be those of 000000000000\.\.\., but is 'others"):
        TrainedRun.of(tmp_path / "run").held_out_suite()
    del noted["held_out"]  # a run of before it was noted
    (tmp_path / "run" / "provenance.json").write_text(json.dumps(noted))
    assert TrainedRun.of(tmp_path / "run").held_out_suite().tasks


def test_a_run_that_starts_from_another_does_not_hold_out_what_that_one_has_seen(tmp_path, shards):
    trained(tmp_path / "all", own(shards))
    trained(tmp_path / "same", own(shards, *HELD_OUT))
    trained(tmp_path / "later", own(shards, *HELD_OUT, f"init_from={tmp_path / 'same'}"))  # the same rows: nothing was seen
    message = (
        rf"what is held out must be new to {tmp_path}/all, .*trained on there: row emoji_t2t/shard-.* is its row emoji_t2t/.*; 36 of 36"
    )
    with pytest.raises(ConfigError, match=message):
        trained(tmp_path / "no", own(shards, *HELD_OUT, f"init_from={tmp_path / 'all'}"))
    with pytest.raises(ConfigError, match=rf"must be new to {tmp_path}/later, .*Hold the same rows out of both"):
        trained(tmp_path / "no2", own(shards, *HELD_OUT, "validation.held_out.seed=1", f"init_from={tmp_path / 'later'}"))


def test_every_run_that_the_weights_come_from_is_looked_at(tmp_path, shards, caplog):
    first, second = tmp_path / "first", tmp_path / "second"
    trained(first, own(shards))
    trained(second, own(write(tmp_path / "others", range(100, 140)), f"init_from={first}"))
    assert [folder for folder, _ in trained_before(str(second))] == [second, first]
    shutil.rmtree(tmp_path / "others")
    assert [folder for folder, _ in trained_before(str(second))] == [first]
    assert f"whether {second} was trained on what is validated on now cannot be told" in caplog.text
    with pytest.raises(ConfigError, match=f"must be new to {first}"):
        trained(tmp_path / "third", own(shards, *HELD_OUT, f"init_from={second}"))


def test_a_suite_is_compared_with_what_the_earlier_run_saw_too(tmp_path, shards):
    trained(tmp_path / "all", own(shards))
    suite = ["validation=suite", "suite=pairs", f"suite.shards={write(tmp_path / 'some', range(50, 60))}"]
    (stage,) = build_stages(
        own(write(tmp_path / "new", range(200, 240)), *suite, f"init_from={tmp_path / 'all'}"), RunFolder(tmp_path / "run")
    )
    with pytest.raises(ConfigError, match=rf"validation.suite must be on pairs that {tmp_path}/all was not trained on, .*10 such pairs"):
        stage.validation.validator.prepare()
