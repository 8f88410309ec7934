import pytest

from tests.composed import composed
from unite.build.suites import build_evaluation

pytest.importorskip("mteb")

MTEB = ["suite=mteb_unite", "suite.tasks=[STS12]"]


def test_mteb_is_told_the_checkpoint_that_is_evaluated_and_at_the_end_of_a_training_its_run(tmp_path):
    (tmp_path / "mine" / "encoder").mkdir(parents=True)
    (tmp_path / "mine" / "encoder" / "config.json").touch()
    evaluated = build_evaluation(composed("evaluate", f"checkpoint={tmp_path}/mine", *MTEB))
    assert evaluated.keywords == {"checkpoint": f"{tmp_path}/mine/encoder"}
    trained = build_evaluation(composed("train", f"run_folder={tmp_path}/run", *MTEB))
    assert trained.keywords == {"checkpoint": f"{tmp_path}/run"}
