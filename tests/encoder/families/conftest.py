import pytest

from tests.encoder.checkpoints import save_family
from tests.encoder.qwen_tokenizer import qwen_tokenizer
from unite.encoder.families import FAMILIES


@pytest.fixture(scope="package", params=FAMILIES)
def worded_folder(request, tmp_path_factory):
    """As `folder`, with the true tokenizer, so with its 151,657 words."""
    return save_family(request.param, tmp_path_factory.mktemp(f"worded_{request.param}"), qwen_tokenizer())
