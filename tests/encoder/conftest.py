import pytest
from transformers import AutoTokenizer

from tests.encoder.checkpoints import OF_GRIDS, save_family, tiny


@pytest.fixture(scope="package")
def tiny_folder(tmp_path_factory):
    """A Qwen2-VL checkpoint of the smallest size."""
    return tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="package")
def qwen2(tiny_folder, tmp_path_factory):
    """A Qwen2-VL checkpoint with a head."""
    return save_family("qwen2_vl", tmp_path_factory.mktemp("qwen2"), AutoTokenizer.from_pretrained(tiny_folder))


@pytest.fixture(scope="package", params=OF_GRIDS)
def folder(request, tiny_folder, tmp_path_factory):
    """A tiny checkpoint of each registered family that sees video, in a folder of its model type's name."""
    return save_family(request.param, tmp_path_factory.mktemp(request.param), AutoTokenizer.from_pretrained(tiny_folder))
