import pytest

from tests.worlds.emoji.material import SMALL
from unite.config.schema import WorldConfig
from unite.worlds.emoji import EmojiWorld


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    world = EmojiWorld(WorldConfig(root=tmp_path_factory.mktemp("data"), **SMALL))
    world.prepare()
    return world
