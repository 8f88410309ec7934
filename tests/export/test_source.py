import json

import pytest
import yaml

from unite.errors import CheckpointError, DataError
from unite.export.source import find_source


def run(folder, *, finished=True, reading=True, **config):
    (folder / "encoder").mkdir(parents=True)
    (folder / "encoder" / "config.json").write_text("{}")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    if reading:
        (folder / "encoder" / "unite_encoder.json").write_text(json.dumps({}))
    if finished:
        (folder / "finished").touch()
    return folder


def stages(**dims):
    return {name: {"max_steps": 2, "objective": {"temperature": 0.05} | ({"dims": of} if of else {})} for name, of in dims.items()}


def test_a_finished_run_is_its_encoder(tmp_path):
    folder = run(tmp_path / "stage2" / "monday", **stages(adaptation=[16, 64, 32], alignment=[8]))
    source = find_source(folder)
    assert (source.encoder, source.run, source.label) == (folder / "encoder", folder, "stage2-monday")
    assert source.matryoshka_dims == (64, 32, 16)
    assert find_source(folder / "encoder").matryoshka_dims == (64, 32, 16)


def test_an_objective_without_widths_has_none(tmp_path):
    config = stages(adaptation=None, alignment=[8])
    assert find_source(run(tmp_path / "run", **config)).matryoshka_dims == ()
    config["adaptation"]["max_steps"] = 0  # so the alignment is the last stage
    assert find_source(run(tmp_path / "other", **config)).matryoshka_dims == (8,)


def test_an_encoder_alone(tmp_path):
    folder = run(tmp_path / "run") / "encoder"
    alone = folder.rename(tmp_path / "mine")
    source = find_source(alone)
    assert (source.encoder, source.run, source.label, source.matryoshka_dims) == (alone, None, "mine", ())


def test_an_unfinished_run_is_refused_though_it_has_an_encoder(tmp_path):
    folder = run(tmp_path / "run", finished=False)
    with pytest.raises(
        CheckpointError, match=r"run must be a finished run, but is '.*run, which is not finished'. Go on with it by .*resume=<run>"
    ):
        find_source(folder)
    assert find_source(folder / "encoder").run == folder  # named itself, it is meant


def test_a_run_whose_encoder_is_gone_a_foreign_checkpoint_and_nothing_are_refused(tmp_path):
    folder = run(tmp_path / "run")
    for file in (folder / "encoder").iterdir():
        file.unlink()
    with pytest.raises(CheckpointError, match="a finished run whose encoder is not there"):
        find_source(folder)
    with pytest.raises(
        CheckpointError, match=r"run must be a run, or an encoder's folder with unite_encoder.json, but is '.*foreign'. A checkpoint that"
    ):
        find_source(run(tmp_path / "foreign", reading=False))
    with pytest.raises(CheckpointError, match=r"run must be a run folder that holds .* but is '.*nothing, no folder'"):
        find_source(tmp_path / "nothing")


def test_a_config_that_cannot_be_read_is_named(tmp_path):
    folder = run(tmp_path / "run")
    (folder / "config.yaml").write_text("a: [")
    with pytest.raises(DataError, match=r"(?s)config.yaml cannot be read .* Mend it, or copy the run again"):
        find_source(folder)
