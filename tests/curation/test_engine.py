import gc
import os
import sys
import time

import pytest

from tests.curation.material import Rows, row
from tests.media.material import image_medium, photograph
from tests.watched import watched
from unite.curation import engine
from unite.curation.engine import run
from unite.curation.pipeline import Curation
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.errors import ConfigError, UniteError


class Mark:
    """Leaves a file for each number, named after the process that did it."""

    def __init__(self, folder):
        self.folder = folder
        self.made = 0

    def __call__(self, number):
        self.made += 1
        (self.folder / f"{number}-{os.getpid()}-{self.made}").touch()
        time.sleep(0.02)
        return 3


class Die(Mark):
    def __call__(self, number):
        if number == 2:
            os._exit(1)
        return super().__call__(number)


class Fail(Mark):
    def __call__(self, number):
        if number == 2:
            raise UniteError("number 2 is bad")
        return super().__call__(number)


def test_every_number_is_done_once_and_a_process_keeps_what_it_cached(tmp_path):
    run(Mark(tmp_path), range(12), title="rows", num_rows=36, workers=2)
    done = [path.name.split("-") for path in tmp_path.iterdir()]
    assert sorted(int(number) for number, _, _ in done) == list(range(12))
    processes = {process for _, process, _ in done}
    assert str(os.getpid()) not in processes
    for process in processes:
        made = sorted(int(made) for _, one, made in done if one == process)
        assert made == list(range(1, len(made) + 1))  # the work was received once, not once a number


def test_it_is_shown_how_many_rows_are_done(tmp_path, monkeypatch):
    works = watched(monkeypatch, engine)
    run(Mark(tmp_path), range(12), title="packing", num_rows=36, workers=1)
    assert [(work.title, work.done, work.total, work.unit) for work in works] == [("packing", 36, 36, "rows")]


def test_one_worker_is_this_process(tmp_path):
    run(Mark(tmp_path), [4, 5], title="rows", num_rows=6, workers=1, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {f"4-{os.getpid()}-1", f"5-{os.getpid()}-2"}


def test_a_worker_that_dies_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(
        UniteError, match="a worker process died. Run it again: what is done is kept. If memory was short, set fewer workers"
    ):
        run(Die(tmp_path), range(6), title="rows", num_rows=18, workers=2, progress=False)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_the_work_comes_through(tmp_path, workers):
    with pytest.raises(UniteError, match="number 2 is bad"):
        run(Fail(tmp_path), range(6), title="rows", num_rows=18, workers=workers, progress=False)


def test_ray_that_is_not_installed_says_what_to_do(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name == "ray" or name.startswith("ray.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it could not be imported
    with pytest.raises(
        ConfigError, match=r"engine 'ray' needs Ray Data, which is not installed: pip install 'ray\[data\]', or use engine 'local'"
    ):
        run(Mark(tmp_path), range(2), title="rows", num_rows=2, engine="ray", progress=False)


def test_ray_gives_the_set_that_this_machine_alone_gives(tmp_path):
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    rows = [row(f"text {at % 9}", "", positive_media=[image_medium(photograph(at % 9))]) for at in range(12)]
    options = {"rows_per_part": 5, "workers": 1, "progress": False}
    alone = Curation([Rows(rows)], [ExactDuplicates()], out=tmp_path / "alone", **options).run()
    try:
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        cluster = Curation([Rows(rows)], [ExactDuplicates()], out=tmp_path / "ray", engine="ray", **options).run()
    finally:
        ray.shutdown()
    assert cluster == alone and alone["totals"]["rows"] == 9


def test_what_is_imported_is_left_alone_by_the_garbage_collector_only_while_rows_are_worked_on():
    frozen = []
    run(lambda number: frozen.append(gc.get_freeze_count()) or 1, [0, 1], title="", num_rows=2, workers=1, progress=False)
    assert min(frozen) > 0 and gc.get_freeze_count() == 0
    with pytest.raises(ZeroDivisionError):
        run(lambda number: 1 // 0, [0], title="", num_rows=1, workers=1, progress=False)
    assert gc.get_freeze_count() == 0
