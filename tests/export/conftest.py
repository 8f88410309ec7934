import pytest

from tests.export.material import write_encoder


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("exported") / "encoder")
