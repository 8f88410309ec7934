"""What a job is refused for before it starts is what a single run would be refused for."""

from types import SimpleNamespace

import pytest

from tests.commands import SMALL
from tests.composed import composed
from unite.build.check import Checks, check_stages, trainer_faults
from unite.build.train import build_stages
from unite.errors import CheckpointError, CollectedError, ConfigError, DataError
from unite.runs import RunFolder


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("seed=-1", ConfigError, "seed must be from 0 to"),
        ("sweep.num_parallel=0", ConfigError, "sweep.num_parallel must be at least 1, but is 0"),
        ("sweep.keep=best", ConfigError, "sweep.keep must be last, stages or none where nothing is validated"),
        ("init_from=runs/no/such", CheckpointError, "init_from must be a run folder"),
        ("+objective.temprature=1", ConfigError, "an option of objective must be one of .* Did you mean 'temperature'"),
        ("encoder.base=runs/no/such", CheckpointError, "encoder.base must be a run folder"),
        ("encoder=qwen2_vl_2b", CheckpointError, "encoder.path must be a run folder"),
        ("export=best", ConfigError, "export must be last where nothing is validated"),
        ("trainer.precision=8-nonsense", ConfigError, "trainer.precision must be one of 32-true, bf16-mixed"),
        ("trainer.max_steps=-1", ConfigError, "trainer.max_steps must be at least 0"),
        ("trainer.max_steps=0", ConfigError, "number of stages must be at least 1"),
        ("mixture.sources.t2t.world=null", DataError, "no/such"),
        ("suite=flickr30k", DataError, "flickr30k must be complete"),
    ],
)
def test_what_a_run_refuses_is_told(tmp_path, override, error, message):
    own = (
        ["mixture=tt", "alignment=none", "mixture.sources.t2t.shards=no/such"] if "world" in override else ["mixture=tt", "alignment=none"]
    )
    config = composed(
        "train", *own, override, "trainer.accelerator=cpu", f"data_root={tmp_path}", "world.num_train=8", f"runs_root={tmp_path}"
    )
    with pytest.raises(error, match=message):
        Checks(on_this_machine=True)(config, [override])


def test_of_a_machine_elsewhere_devices_are_not_judged(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.build.check.Checks._open", lambda *given: ())
    config = composed("train", "trainer.accelerator=gpu", "trainer.devices=8", f"runs_root={tmp_path}")
    Checks(on_this_machine=False)(config, [])
    with pytest.raises(ConfigError, match="refuses the config group trainer"):
        Checks(on_this_machine=True)(config, [])


def test_what_jobs_have_in_common_is_opened_once(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("unite.data.mixture.MixtureDataModule.check", lambda mixture: opened.append(list(mixture.sources)))
    monkeypatch.setattr("unite.build.check.build_evaluation", lambda *given: opened.append("suite"))
    checks = Checks(on_this_machine=True)
    for seed in (0, 1):
        for objective in ("mamcl", "infonce"):
            overrides = [*SMALL, "trainer.accelerator=cpu", "mixture=tt", f"seed={seed}", f"objective={objective}"]
            checks(composed("train", *overrides, f"data_root={tmp_path}", f"runs_root={tmp_path}"), [])
    assert opened == [["t2i", "i2t"], ["t2t"], "suite"]


def test_a_batch_that_the_processes_cannot_share_is_told_before_a_stage_begins(tmp_path):
    stage = SimpleNamespace(name="adaptation", num_steps=1, validation=None, mixture=SimpleNamespace(source_names=["t2t"]))
    config = composed("train", "trainer.accelerator=cpu", "trainer.devices=3")
    (fault,) = trainer_faults(config, [stage], RunFolder(tmp_path))
    assert str(fault) == "data.batch_size must be a multiple of the number of ranks (3), but is 32."


def test_what_the_data_of_all_stages_tell_is_told_at_once(tmp_path):
    """Broken shards, which only their opening tells, of both stages; the suite's folders; and Lightning's own word."""
    for name in ("aligned", "adapted"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shard-000000.tar").write_bytes(b"no tar")
    own = ["alignment=image_text", "mixture=tt", "suite=flickr30k", "trainer.accelerator=toaster"]
    for source, name in (("mixture.sources.t2t", "adapted"), ("alignment.mixture.sources.t2i", "aligned")):
        own += [f"{source}.world=null", f"{source}.shards={tmp_path / name}"]
    own += ["~alignment.mixture.sources.i2t", "~alignment.mixture.shares.i2t"]
    config = composed("train", *own, f"data_root={tmp_path}", f"runs_root={tmp_path}", f"run_folder={tmp_path / 'run'}")
    run = RunFolder(tmp_path / "run")
    with pytest.raises(CollectedError) as told:
        check_stages(config, build_stages(config, run), run)
    for part in ("invalid accelerator name", "aligned/shard-000000.tar", "adapted/shard-000000.tar", "flickr30k must be complete"):
        assert sum(part in str(error) for error in told.value.errors) == 1, part
    assert len(told.value.errors) == 4
