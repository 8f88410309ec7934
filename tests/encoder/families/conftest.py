import pytest

from tests.encoder.checkpoints import OF_GRIDS, save_family
from tests.encoder.qwen_tokenizer import qwen_tokenizer


@pytest.fixture(scope="package", params=OF_GRIDS)
def worded_folder(request, tmp_path_factory):
    """As `folder`, with the true tokenizer, so with its 151,657 words."""
    return save_family(request.param, tmp_path_factory.mktemp(f"worded_{request.param}"), qwen_tokenizer())
