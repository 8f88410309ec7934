"""A stage is shared by those that have the same in all that matters, and trained once even when two want it at a time."""

import threading
from types import SimpleNamespace

import pytest
from torch import nn

from unite.training.shared_stages import SharedStages


class Encoder(nn.Linear):
    processor = SimpleNamespace(encode=lambda content: SimpleNamespace(input_ids=[1], token_types=[0], media={}))


def encoder(value=0.0):
    made = Encoder(2, 2)
    nn.init.constant_(made.weight, value)
    nn.init.zeros_(made.bias)
    return made


def mixture(data="a", seed=0):
    return SimpleNamespace(fingerprints=lambda: {"t2i": data}, state_dict=lambda: {"seed": seed})


@pytest.fixture(autouse=True)
def plain_prompt(monkeypatch):
    monkeypatch.setattr("unite.training.shared_stages.prompt_fingerprint", lambda processor: 1)


def place(folder, lr=0.1, **changes):
    with SharedStages(folder, {"alignment": {"lr": lr}}).turn(
        "alignment", mixture(**{key: value for key, value in changes.items() if key != "weight"}), encoder(changes.get("weight", 0.0))
    ) as stage:
        return stage.folder


def test_whatever_the_result_depends_on_makes_another_stage(tmp_path):
    places = [place(tmp_path), place(tmp_path, lr=0.2), place(tmp_path, weight=1.0), place(tmp_path, data="b"), place(tmp_path, seed=1)]
    assert len(set(places)) == 5 and place(tmp_path) == places[0]


def test_two_that_want_it_at_a_time_train_it_once_and_have_the_same(tmp_path, caplog):
    caplog.set_level("INFO")
    trained, shared = [], SharedStages(tmp_path / "shared", {"alignment": {}})
    both = threading.Barrier(2)

    def job(name):
        export = tmp_path / name / "encoder"
        both.wait()
        with shared.turn("alignment", mixture(), encoder()) as stage:
            if stage.is_there:
                stage.take(export)
                return
            trained.append(name)
            export.mkdir(parents=True)
            (export / "config.json").write_text(name)
            stage.put(export, tmp_path / name)

    jobs = [threading.Thread(target=job, args=(name,)) for name in ("one", "other")]
    for one in jobs:
        one.start()
    for one in jobs:
        one.join()
    (first,) = trained
    assert [(tmp_path / name / "encoder" / "config.json").read_text() for name in ("one", "other")] == [first, first]
    assert [path.name for path in (tmp_path / "one" / "encoder").iterdir()] == ["config.json"]
    assert f"the stage is that of {tmp_path / first}" in caplog.text and "sweep.share_stages=false" in caplog.text


def test_one_that_fails_leaves_it_to_the_next(tmp_path):
    shared = SharedStages(tmp_path, {"alignment": {}})
    with pytest.raises(ValueError, match="of the job"), shared.turn("alignment", mixture(), encoder()):
        raise ValueError("of the job")
    with shared.turn("alignment", mixture(), encoder()) as stage:
        assert not stage.is_there
