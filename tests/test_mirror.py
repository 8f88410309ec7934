"""The test of a file is found by its path: of `unite/a/b.py` it is `tests/a/test_b.py`, of a package `tests/a/test_a.py`.

A file that is tested by way of another is named in backticks in the docstring of a test in the mirrored folder, or below.
"""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
UNITE = TESTS.parent / "unite"

#: Test -> the files of `unite/` that are tested by way of what it tests and are not named in its docstring.
BY_WAY_OF = {
    "config/test_help.py": ("config/schema/*.py",),  # every option of the schema is explained
    "data/test_index.py": ("data/address.py",),
    "data/test_mixture.py": ("data/loading.py", "data/source.py"),
    "data/test_shards.py": ("data/rows.py",),
    "evaluation/layouts/test_captions.py": (
        "evaluation/layouts/docci.py",
        "evaluation/layouts/karpathy.py",
        "evaluation/layouts/msrvtt.py",
        "evaluation/layouts/sharegpt4v.py",
        "evaluation/layouts/tables.py",
        "evaluation/layouts/urban1k.py",
        "evaluation/layouts/video_captions.py",
    ),
    "evaluation/layouts/test_groups.py": ("evaluation/layouts/source.py",),
    "evaluation/layouts/test_mmeb.py": ("data/mmeb.py",),
    "evaluation/test_mteb_suite.py": ("evaluation/mteb_encoder.py",),
    "evaluation/test_suite.py": ("evaluation/recall_plot.py", "evaluation/results.py", "evaluation/terminal_table.py"),
    "curation/steps/test_balance.py": ("curation/steps/step.py",),
    "curation/steps/test_hard_negatives.py": ("curation/steps/neighbours.py",),
    "export/test_export.py": ("build/export.py", "export/__main__.py"),
    "media/video/test_clip.py": ("media/video/container.py",),
    "objective/test_contrastive.py": (
        "objective/blockwise.py",
        "objective/comparison.py",
        "objective/infonce.py",
        "objective/mamcl.py",
        "objective/masks.py",
        "objective/output.py",
    ),
    "training/test_pool.py": ("objective/in_pieces.py",),
    "training/test_stages.py": ("training/module.py",),
    "encoder/test_tiny.py": ("encoder/tiny/*.py",),
    "planning/test_counted.py": ("planning/architectures.py",),
    "planning/test_plan.py": ("planning/table.py",),
    "worlds/people/test_world.py": ("worlds/people/atlas.py", "worlds/people/pictures.py"),
    "worlds/emoji/test_world.py": ("worlds/emoji/building.py", "worlds/emoji/folder.py", "worlds/emoji/preview.py"),
    "worlds/stamps/test_fetching.py": ("worlds/stamps/packages.py",),
    "worlds/stamps/test_stamps.py": (
        "build/stamps.py",
        "worlds/stamps/__main__.py",
        "worlds/stamps/clipart.py",
        "worlds/stamps/drawing.py",
        "worlds/stamps/emoji.py",
        "worlds/stamps/gathering.py",
        "worlds/stamps/items.py",
        "worlds/stamps/tuxpaint.py",
        "worlds/stamps/world.py",
        "worlds/stamps/writing.py",
    ),
    # Commands as a user runs them.
    "build/test_early.py": ("build/early_training.py",),
    "search/test_search.py": ("build/early_search.py", "build/serving.py"),
    "test_audit.py": ("build/audit.py",),
    "test_curate.py": ("build/curate.py",),
    "test_dashboard.py": ("build/dashboard.py",),
    "test_embed.py": ("build/embed.py",),
    "test_evaluate.py": ("build/evaluate.py", "build/suites.py"),
    "test_plan.py": ("build/plan.py",),
    "test_report.py": ("comparison/report.py",),
    "test_train.py": ("build/finish.py", "build/runs.py"),
}
#: Tests of what is no file of `unite/`, and what that is.
OF_SOMETHING_ELSE = {
    "data/test_paper_mixtures.py": "the paper's options in conf/",
    "evaluation/layouts/test_mmeb_v2_visdoc.py": "the suites of documents in conf/",
    "evaluation/test_mteb_unite.py": "conf/suite/mteb_unite.yaml",
    "evaluation/layouts/test_groups.py": "the means of a suite over groups of a benchmark's tasks",
    "docs/test_pages.py": "the pages in docs/",
    "docs/test_tutorial.py": "docs/tutorial.md",
    "test_cuda.py": "what runs on a GPU, of all of it",
    "test_mirror.py": "the tests themselves",
    "test_wheel.py": "what pip installs",
}


def mirrored(source):
    """Where the test of a file may be."""
    folder = source.parent
    if source.name != "__init__.py":
        return [folder / f"test_{source.name}"]
    return [folder / f"test_{folder.name}.py", folder.parent / f"test_{folder.name}.py"] if folder.name else []


def does_something(path):
    """Whether a file has a function or a class of its own: a package that only gathers names has none."""
    kinds = ast.FunctionDef | ast.ClassDef
    return any(isinstance(node, kinds) for node in ast.parse(path.read_text(encoding="utf-8")).body)


def files(folder, pattern):
    return {path.relative_to(folder) for path in folder.rglob(pattern)}


SOURCES = {path for path in files(UNITE, "*.py") if does_something(UNITE / path)}
PLACES = {test for source in files(UNITE, "*.py") for test in mirrored(source)}


def named_in_docstring(source):
    """Whether the docstring of a test in the mirrored folder names the file."""
    docstrings = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in (TESTS / source.parent).glob("test_*.py"))
    return any(source.name in re.findall(r"`([^`]+)`", docstring or "") for docstring in docstrings)


def test_every_file_has_its_test():
    listed = {path for patterns in BY_WAY_OF.values() for pattern in patterns for path in SOURCES if path.match(pattern)}
    without = [
        str(source)
        for source in sorted(SOURCES - listed)
        if not any((TESTS / test).is_file() for test in mirrored(source)) and not named_in_docstring(source)
    ]
    assert without == [], "have no test at the mirrored path, and no test's docstring names them"


def test_every_test_has_its_file():
    assert {str(test) for test in files(TESTS, "test_*.py") - PLACES} == set(OF_SOMETHING_ELSE)


def test_the_exceptions_are_there():
    assert [test for test in BY_WAY_OF if not (TESTS / test).is_file()] == []


def test_no_test_imports_another():
    importing = re.compile(r"^\s*(?:from|import) tests\.(?:\w+\.)*test_", re.MULTILINE)
    assert [str(path) for path in TESTS.rglob("*.py") if importing.search(path.read_text(encoding="utf-8"))] == []
