import pytest
from transformers import AutoTokenizer

from tests.encoder.checkpoints import save_family
from unite.encoder.families import FAMILIES


@pytest.fixture(scope="package", params=FAMILIES)
def folder(request, tiny_folder, tmp_path_factory):
    """A tiny checkpoint of each registered family, in a folder of its model type's name."""
    return save_family(request.param, tmp_path_factory.mktemp(request.param), AutoTokenizer.from_pretrained(tiny_folder))
