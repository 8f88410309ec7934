import pytest

from tests.worlds.emoji.material import SMALL
from unite.worlds.emoji import EmojiWorld


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    world = EmojiWorld(root=tmp_path_factory.mktemp("data"), **SMALL)
    world.prepare()
    return world
