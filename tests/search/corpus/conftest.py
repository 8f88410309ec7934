import pytest

from tests.search.corpus.material import Embedding


@pytest.fixture
def embed(tmp_path):
    return Embedding(tmp_path / "out")
