import pytest
from transformers import AutoTokenizer

from tests.encoder.checkpoints import OF_GRIDS, save_family, tiny
from tests.export.material import trained


@pytest.fixture(scope="package")
def tokenizer(tmp_path_factory):
    return AutoTokenizer.from_pretrained(tiny(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="package", params=OF_GRIDS)
def encoder_folder(request, tokenizer, tmp_path_factory):
    """The encoder that a run of each registered family that sees video left."""
    folder = tmp_path_factory.mktemp(request.param)
    return trained(save_family(request.param, folder, tokenizer), folder / "encoder")
