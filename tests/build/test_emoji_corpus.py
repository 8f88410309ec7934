from pathlib import Path
from types import SimpleNamespace

import pytest

from unite.build.emoji_corpus import EmojiPool, emoji_pools
from unite.config.schema.embed import ColumnsConfig
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardWriter
from unite.search.corpus.sources import open_corpus
from unite.types import Modality


def stored(modality, extension, group):
    return StoredContent(media=(StoredMedium(modality, b"not read", extension),), group=group)


@pytest.fixture
def pools(tmp_path):
    contents = {
        "pictures": stored(Modality.IMAGE, "png", "scene|white|cake@0|cow@6|penguin@8"),
        "clips": stored(Modality.VIDEO, "mp4", "clip|blue|cat@column 0|moves up|banana@8"),
    }
    for name, content in contents.items():
        with ShardWriter(tmp_path / name, samples_per_shard=4) as writer:
            writer.write(Row("c0", content))
    return {name: EmojiPool(str(tmp_path / name), ColumnsConfig()) for name in contents}


def test_each_row_tells_what_it_shows(pools, tmp_path):
    corpus = open_corpus(pools, ColumnsConfig(), tmp_path)
    assert corpus.survey().ids == ["pictures/shard-000000.tar#c0", "clips/shard-000000.tar#c0"]
    picture, clip = corpus.row(0), corpus.row(1)
    assert picture.text == "a cake at the top left, a cow at the bottom left and a penguin at the bottom right, white background"
    assert picture.metadata == {"glyphs": "cake, cow, penguin", "background": "white"}
    assert clip.text == "a cat moves up along the left, a banana at the bottom right, blue background"
    assert clip.metadata == {"glyphs": "cat, banana", "background": "blue", "motion": "moves up"}
    assert set(corpus.columns) == set(clip.metadata) and clip.media[0].read_bytes() == b"not read"


def test_sources_are_found_from_other_folders_too(tmp_path, monkeypatch):
    for name in ("t2i", "t2v_fine"):
        with ShardWriter(tmp_path / "test" / name / "candidates", samples_per_shard=4) as writer:
            writer.write(Row("c0", stored(Modality.IMAGE, "png", "scene|white|cake@0")))
    monkeypatch.chdir(tmp_path)
    for pool in emoji_pools(SimpleNamespace(folder=Path())).values():
        assert pool.row(0).source.startswith(f"{tmp_path}/test/")
