"""What a run's validation may be, by the options that a user would give."""

import logging

import pytest

from tests.composed import composed
from unite.build.early import check_train
from unite.build.runs import suite_fits
from unite.build.suites import build_evaluation
from unite.build.train import build_stages
from unite.errors import ConfigError
from unite.runs import RunFolder

OWN = ["mixture.sources.t2t.world=null", "mixture.sources.t2t.shards=some/folder"]


def stages(folder, *overrides):
    return build_stages(composed("train", *overrides), RunFolder(folder))


def test_the_adaptation_is_validated_and_no_stage_trains_on_what_is_held_out(tmp_path):
    alignment, adaptation = stages(tmp_path, "validation=held_out", "validation.held_out.share=0.2", "export=best")
    assert alignment.validation is None and str(alignment.export) == "last" and str(adaptation.export) == "best"
    assert adaptation.validation.every == 200 and adaptation.validation.folder == tmp_path / "checkpoints" / "adaptation" / "best"
    assert alignment.mixture.held_out is adaptation.mixture.held_out
    assert len(adaptation.mixture.held_out.sources) == len(alignment.mixture.sources) + len(adaptation.mixture.sources)


def test_rows_may_be_held_out_without_being_looked_at(tmp_path):
    (adaptation,) = stages(tmp_path, "validation=held_out", "validation.every_n_steps=0", "alignment=none")
    assert adaptation.validation is None and adaptation.mixture.held_out is not None
    (adaptation,) = stages(tmp_path, "alignment=none")
    assert adaptation.validation is None and adaptation.mixture.held_out is None


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["export=best"], "export must be last where nothing is validated, but is 'best'. Choose validation=held_out"),
        (["export=best", "validation=held_out", "validation.every_n_steps=0"], "export must be last where nothing is validated"),
        (["export=best", "validation=held_out", "trainer.max_steps=0"], "export must be last where nothing is validated"),
        (["validation.every_n_steps=10"], "validation.held_out or validation.suite must be given, but is 'null both'. Choose"),
        (["validation=suite", "~suite"], "validation.held_out or validation.suite must be given"),
        (
            ["validation=suite", "suite=mteb"],
            "validation.suite must be a suite of retrieval tasks, which has a score, but is .*MtebSuite",
        ),
        (["validation=held_out", "validation.held_out.share=2"], "validation.held_out.share must be above 0 and below 1, but is 2"),
        (["validation=held_out", "validation.patience=0"], "validation.patience must be at least 1"),
    ],
)
def test_a_validation_of_nothing_is_refused(tmp_path, overrides, message):
    with pytest.raises(ConfigError, match=message):
        check_train(composed("train", "mixture=tt", *overrides, f"run_folder={tmp_path}"))
        stages(tmp_path, *overrides)


@pytest.mark.parametrize(
    ("overrides", "fits"),
    [([], True), (OWN, False), ([*OWN, "suite=emoji"], True), ([*OWN, "suite=coco"], True), (["~suite"], False)],
)
def test_the_tests_of_the_built_in_world_are_not_for_data_of_ones_own(tmp_path, overrides, fits):
    config = composed("train", "mixture=tt", f"run_folder={tmp_path}", *overrides)
    RunFolder(tmp_path).write_overrides(overrides)
    assert suite_fits(config) is fits


def test_held_out_rows_stand_in_for_a_suite_that_does_not_fit(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        assert build_evaluation(composed("train", "mixture=tt", *OWN), None, fits=False) is None
        assert build_evaluation(composed("train", "mixture=tt", *OWN), lambda: None, fits=False) is not None
        assert build_evaluation(composed("train", "~suite")) is None
    assert "is not evaluated: its mixture has no rows of the world of suite emoji. validation=held_out evaluates on rows" in caplog.text
    assert "the run is evaluated on its held-out rows: its mixture has none of the suite's world" in caplog.text
