import pytest

from tests.curation.material import Rows, row
from tests.media.material import image_medium, photograph
from unite.curation.pipeline import Curation
from unite.curation.steps.exact_duplicates import ExactDuplicates

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")


def test_ray_gives_the_set_that_this_machine_alone_gives(tmp_path):
    rows = [row(f"text {at % 9}", "", positive_media=[image_medium(photograph(at % 9))]) for at in range(12)]
    options = {"rows_per_part": 5, "workers": 1, "progress": False}
    alone = Curation([Rows(rows)], [ExactDuplicates()], out=tmp_path / "alone", **options).run()
    try:
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        cluster = Curation([Rows(rows)], [ExactDuplicates()], out=tmp_path / "ray", engine="ray", **options).run()
    finally:
        ray.shutdown()
    assert cluster == alone and alone["totals"]["rows"] == 9
