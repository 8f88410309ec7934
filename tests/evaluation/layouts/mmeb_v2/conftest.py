import pytest

from tests.composed import composed
from tests.evaluation.layouts.mmeb_v2.material import TASKS, write
from unite.build.suites import build_suites


@pytest.fixture(scope="package")
def root(tmp_path_factory):
    """All 18 tasks on disk; not to be changed."""
    root = tmp_path_factory.mktemp("mmeb_v2")
    for name in TASKS:
        write(root, name)
    return root


@pytest.fixture(scope="package")
def suite(root):
    """The suite as the command builds it."""
    [suite] = build_suites(composed("evaluate", "checkpoint=x", f"data_root={root}", "suite=mmeb_v2_video"))
    return suite


@pytest.fixture
def changed(suite, tmp_path):
    """Writes a task whose rows are changed first, and loads it."""

    def load(name, change=None, suffix=".parquet"):
        write(tmp_path, name, change, suffix)
        return suite.tasks[name].load(name, tmp_path, suite.decoding)

    return load
