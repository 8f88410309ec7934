"""What is set aside when a run goes back, on folders of empty files."""

import pytest

from unite.errors import ConfigError
from unite.files import write_json
from unite.runs import RunFolder
from unite.training.going_back import go_back

STAGES = ["alignment", "adaptation"]


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "run")
    steps = ("alignment/step=2", "alignment/step=4", "adaptation/step=2", "adaptation/step=4", "adaptation/step=10")
    for name in (*(f"checkpoints/{step}.ckpt" for step in steps), "checkpoints/alignment/encoder/config.json", "encoder/config.json"):
        (run.path / name).parent.mkdir(parents=True, exist_ok=True)
        (run.path / name).touch()
    write_json(run.best("adaptation") / "best.json", {"step": 4, "score": 0.5, "file": "step=4.ckpt"})
    return run


def there(run):
    files = [path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()]
    return {name.removeprefix("checkpoints/") for name in files if ".set_aside" not in name}


def test_back_in_the_last_stage(run, caplog):
    go_back(run, STAGES, "adaptation", 4)
    stays = {"alignment/step=2.ckpt", "alignment/step=4.ckpt", "alignment/encoder/config.json"}
    assert there(run) == stays | {"adaptation/step=2.ckpt", "adaptation/step=4.ckpt", "adaptation/best/best.json"}
    assert run.last_checkpoint("adaptation").name == "step=4.ckpt"
    assert "goes back to step 4 of adaptation; set aside as <name>.set_aside: checkpoints/adaptation/step=10.ckpt, encoder" in caplog.text
    assert (run.path / "encoder.set_aside" / "config.json").is_file()
    caplog.clear()
    go_back(run, STAGES, "adaptation", 4)  # as the other processes of the run do
    assert not caplog.records
    go_back(run, STAGES, "adaptation", 2)
    assert there(run) == stays | {"adaptation/step=2.ckpt"}  # the best came later
    assert run.last_checkpoint("adaptation").name == "step=2.ckpt"


def test_back_in_the_stage_before(run):
    go_back(run, STAGES, "alignment", 2)
    assert there(run) == {"alignment/step=2.ckpt"}
    assert (run.path / "checkpoints" / "adaptation.set_aside" / "step=10.ckpt").is_file()


def test_what_was_set_aside_before_stays(run):
    go_back(run, STAGES, "adaptation", 4)
    (run.path / "checkpoints" / "adaptation" / "step=10.ckpt").write_text("again")
    go_back(run, STAGES, "adaptation", 4)
    assert [(run.path / "checkpoints" / "adaptation" / f"step=10.ckpt.set_aside{end}").read_text() for end in ("", "2")] == ["", "again"]


def test_a_stage_that_the_run_has_not_is_refused(run):
    with pytest.raises(ConfigError, match="the stage of resume must be one of adaptation, but is 'alignment'. The others are left out"):
        go_back(run, ["adaptation"], "alignment", 2)
