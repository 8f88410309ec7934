import pytest

from tests.encoder.checkpoints import tiny


@pytest.fixture(scope="package")
def tiny_folder(tmp_path_factory):
    """A Qwen2-VL checkpoint of the smallest size."""
    return tiny(tmp_path_factory.mktemp("tiny"))
