"""torchvision as torch finds it here, and fakes of it that fail as the real one does."""

import importlib
import subprocess
import sys

import pytest

from unite.torchvision_operators import TorchvisionFinder


def test_what_needs_torchvision_imports_after_unite_and_unite_imports_nothing_heavy():
    code = """
import sys, unite
assert not {"torch", "numpy"} & set(sys.modules), "import unite is not cheap"
import sentence_transformers, torchvision.transforms.v2, torchmetrics
assert torchvision.__spec__.loader.get_resource_reader("torchvision") is not None
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


def test_the_finder_knows_one_name_and_is_there_once():
    importlib.reload(importlib.import_module("unite"))
    (finder,) = [finder for finder in sys.meta_path if isinstance(finder, TorchvisionFinder)]
    assert finder.find_spec("torch", None) is None and finder.find_spec("torchvision.io", []) is None


@pytest.fixture
def imported(tmp_path):
    """Imports unite and then a torchvision of this code; returns what was printed, and what was said on failing."""

    def run(code):
        folder = tmp_path / "torchvision"
        folder.mkdir()
        (folder / "__init__.py").write_text(code)
        (folder / "half.py").write_text("print('half')")
        path = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import unite, torchvision"
        done = subprocess.run([sys.executable, "-c", path], capture_output=True, text=True, timeout=200)
        return done.stdout.split(), done.stderr

    return run


def test_without_its_operators_it_is_imported_again_from_the_start(imported):
    code = "import torchvision.half, torch; torch.library.register_fake('torchvision::nms')(print); print('whole')"
    assert imported(code) == (["half", "half", "whole"], "")


def test_a_torchvision_that_imports_is_imported_once_without_torch(imported):
    assert imported("import torchvision.half, sys; print('torch' in sys.modules)") == (["half", "False"], "")


@pytest.mark.parametrize("error", ["RuntimeError('CUDA error')", "ImportError('torchvision::nms does not exist')"])
def test_another_error_is_passed_on(imported, error):
    printed, said = imported(f"import torchvision.half; raise {error}")
    assert printed == ["half"] and error.partition("(")[0] in said
