import pytest

from unite.worlds.emoji import EmojiWorld

SMALL = {"num_train": 64, "num_queries": 24, "num_candidates": 64, "num_glyphs": 32}


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    world = EmojiWorld(root=tmp_path_factory.mktemp("data"), **SMALL)
    world.prepare()
    return world
