"""A corpus from its sources to the table, and what becomes of it as they change. Also `plan.py`, `parts.py`,
`begun.py`, `encoder.py`, `outcome.py`."""

import os
from pathlib import Path

import numpy as np
import pytest

from tests.fake_encoder import FakeEncoder
from tests.search.corpus.material import Embedding, a_moment_later, picture, table
from unite.config.schema.embed import ColumnsConfig, CorpusOptions, Embedded
from unite.config.schema.media import Decoding
from unite.config.schema.vectors import Vectors
from unite.embedding.embed import embed_contents
from unite.errors import ConfigError, DataError
from unite.types import Content


def test_rows_have_the_vectors_that_the_encoder_gives_their_contents(tmp_path, embed):
    texts = [f"text {at} {'x' * (at % 5 + 1)}" for at in range(20)] + ["text 3 xxxx"]  # the last is the fourth again
    path = table(tmp_path / "a.csv", texts, price=[at / 2 for at in range(21)], kind=["bird"] * 20 + [""])
    outcome = embed(str(path), rows_per_part=8)
    expected = embed_contents(FakeEncoder(), [Content(text) for text in texts]).numpy()
    rows = embed.rows()
    assert list(rows) == [f"row {at}" for at in range(21)]
    np.testing.assert_allclose(np.array([row["vector"] for row in rows.values()]), expected, atol=1e-6)
    assert rows["row 5"]["price"] == 2.5 and rows["row 5"]["kind"] == "bird" and rows["row 20"]["kind"] is None
    assert rows["row 5"]["source"] == f"{path}#5" and rows["row 5"]["modality"] == "text" and rows["row 5"]["text"] == texts[5]
    assert rows["row 5"]["thumbnail"] is None
    facts = embed.stored.facts
    assert (outcome.rows, outcome.counts.embedded, facts.rows, facts.is_whole, facts.sources) == (21, 21, 21, True, [str(path)])
    assert not (tmp_path / "out" / "parts").exists()


def test_a_second_call_loads_nothing_and_does_nothing(tmp_path, embed):
    path = table(tmp_path / "a.csv", ["one", "two"])
    embed(str(path), state="files 1")
    version = embed.stored.table.version
    outcome = embed(str(path), state="files 1")
    assert (embed.loaded, outcome.unchanged, outcome.counts.embedded, embed.stored.table.version) == (0, 2, 0, version)


def test_what_changed_is_embedded_again_and_what_is_gone_is_dropped(tmp_path, embed):
    folder = tmp_path / "photos"
    for name, brightness in (("a", 10), ("b", 20), ("sub/c", 30), ("d", 40), ("e", 50)):
        picture(folder / f"{name}.png", brightness)
    embed(str(folder))
    before = embed.rows()
    assert embed.num_embedded == 5 and sorted(before) == ["a.png", "b.png", "d.png", "e.png", "sub/c.png"]
    picture(folder / "b.png", 99)  # changed
    a_moment_later(folder / "b.png")
    a_moment_later(folder / "d.png")  # touched alone
    (folder / "a.png").unlink()
    (folder / "e.png").rename(folder / "moved.png")
    picture(folder / "new.png", 30)  # equals sub/c.png
    picture(folder / "other.png", 77)
    outcome = embed(str(folder))
    after = embed.rows()
    assert embed.num_embedded == 2
    assert (outcome.counts.embedded, outcome.counts.taken_over, outcome.unchanged, outcome.dropped) == (2, 3, 1, 2)
    assert sorted(after) == ["b.png", "d.png", "moved.png", "new.png", "other.png", "sub/c.png"]
    assert after["b.png"]["vector"] != before["b.png"]["vector"] and after["b.png"]["modified"] > before["b.png"]["modified"]
    assert after["d.png"]["vector"] == before["d.png"]["vector"] and after["d.png"]["modified"] > before["d.png"]["modified"]
    assert after["moved.png"]["vector"] == before["e.png"]["vector"] and after["moved.png"]["thumbnail"] == before["e.png"]["thumbnail"]
    assert after["new.png"]["vector"] == before["sub/c.png"]["vector"]
    embed(str(folder))
    assert embed.num_embedded == 0 and embed.outcome.unchanged == 6


def test_rows_in_a_folder_that_cannot_be_read_are_not_dropped(tmp_path, embed, monkeypatch, caplog):
    for at, name in enumerate(("a/1.png", "a/2.png", "b/3.png")):
        picture(tmp_path / "pictures" / name, 40 * at)
    embed(str(tmp_path / "pictures"))
    scandir = os.scandir

    def refused(path):  # as of a disk that is away, or of a folder of somebody else's
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refused)
        assert embed(str(tmp_path / "pictures")).dropped == 0
    assert "2 rows are not there any more, but folders cannot be read (a: Permission denied): nothing is dropped." in caplog.text
    assert list(embed.rows()) == ["a/1.png", "a/2.png", "b/3.png"]
    (tmp_path / "pictures" / "a" / "1.png").unlink()
    assert embed(str(tmp_path / "pictures")).dropped == 1


def test_devices_and_pipes_are_skipped_and_end_nothing(tmp_path, embed):
    folder = tmp_path / "pictures"
    for at in range(3):
        picture(folder / f"{at}.png", 40 * at)
    (folder / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    os.mkfifo(folder / "1.txt")  # a caption
    embed(str(folder), max_skipped_share=1)
    assert list(embed.rows()) == ["0.png", "2.png"]
    told = embed.skipped()
    assert list(told) == ["1.png", "pipe.png", "zero.png"] and all(
        "it is a device or a pipe, no file" in reason for reason in told.values()
    )


def test_a_relative_root_of_media_is_told_whole(tmp_path, embed, monkeypatch):
    picture(tmp_path / "media" / "1.png", 40)
    (tmp_path / "a.csv").write_text("id,image\none,1.png\n")
    monkeypatch.chdir(tmp_path)
    embed("a.csv", ColumnsConfig(media_root="media"))
    assert embed.rows()["one"]["source"] == str(tmp_path / "media" / "1.png")


def test_metadata_that_changed_are_taken_over_without_embedding(tmp_path, embed):
    path = table(tmp_path / "a.csv", ["one", "two"], price=[1, 2])
    embed(str(path))
    table(path, ["one", "two", "three"], price=[1, 5, 3], kind=["x", "y", "z"])
    a_moment_later(path)
    embed(str(path))
    assert embed.num_embedded == 1
    assert [(row["price"], row["kind"]) for row in sorted(embed.rows().values(), key=lambda row: row["id"])] == [
        (1, "x"),
        (5, "y"),
        (3, "z"),
    ]


def test_a_column_of_another_type_is_told(tmp_path, embed):
    path = table(tmp_path / "a.csv", ["one"], price=[1])
    embed(str(path))
    table(path, ["one"], price=["dear"])
    a_moment_later(path)
    with pytest.raises(ConfigError, match="the values of column price must be int64, as in the corpus that is there, but is 'string'"):
        embed(str(path))


def test_broken_files_are_skipped_and_named_and_come_in_once_they_are_mended(tmp_path, embed):
    folder = tmp_path / "photos"
    for at in range(8):
        picture(folder / f"{at}.png", at)
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "empty.jpg").touch()
    (folder / "nan.txt").write_text("nan")  # of which the encoder makes nothing
    picture(folder / "nan.png", 9)
    outcome = embed(str(folder))
    assert outcome.rows == 8 and outcome.counts.skipped == 3
    assert sorted(embed.skipped()) == ["broken.png", "empty.jpg", "nan.png"]
    assert "cannot be decoded" in embed.skipped()["broken.png"] and "finite" in embed.skipped()["nan.png"]
    assert any("skipped.jsonl" in line for line in outcome.told(embed.out))
    picture(folder / "broken.png", 200)
    a_moment_later(folder / "broken.png")
    picture(folder / "3.png", 3).write_bytes(b"now this one")
    a_moment_later(folder / "3.png")
    outcome = embed(str(folder))
    assert sorted(embed.skipped()) == ["3.png", "empty.jpg", "nan.png"] and "3.png" not in embed.rows() and outcome.dropped == 1
    assert "broken.png" in embed.rows()


def test_too_many_broken_files_end_it_and_drop_nothing(tmp_path, embed):
    folder = tmp_path / "photos"
    for at in range(4):
        picture(folder / f"{at}.png", at)
    embed(str(folder))
    for at in range(3):
        (folder / f"{at}.png").write_bytes(b"no picture")
        a_moment_later(folder / f"{at}.png")
    with pytest.raises(DataError, match=r"the rows that cannot be read must be at most max_skipped_share \(0.5\) of the corpus, but is"):
        embed(str(folder))
    assert len(embed.rows()) == 4
    embed(str(folder), max_skipped_share=0.75)
    assert sorted(embed.rows()) == ["3.png"]


def test_nothing_readable_is_told_and_binds_nobody(tmp_path, embed):
    folder = tmp_path / "photos"
    picture(folder / "a.png", 1).write_bytes(b"no picture")
    with pytest.raises(DataError, match="the rows that cannot be read must be at most .* and not all, but is 1. The first: "):
        embed(str(folder), max_skipped_share=1.0)
    picture(folder / "a.png", 1)
    embed(str(folder), dim=8)  # another encoder may come
    assert len(embed.rows()) == 1


def test_another_encoder_is_refused(tmp_path, embed):
    path = str(table(tmp_path / "a.csv", ["one", "two"]))
    embed(path, state="files 1")
    with pytest.raises(DataError, match="the encoder must be that which made the corpus"):
        embed(path, dim=12, state="files 2")
    embed(path, state="files 3")  # the same, in another place
    assert embed.loaded == 1 and embed.num_embedded == 0 and embed.stored.facts.checkpoint_state == "files 3"


@pytest.mark.parametrize(
    ("name", "value"),
    [("vectors", Vectors.int8), ("instruction", "Find it."), ("decoding", Decoding(fps=2.0)), ("embedded", Embedded.media)],
)
def test_other_options_than_those_of_the_corpus_are_refused(tmp_path, embed, name, value):
    path = str(table(tmp_path / "a.csv", ["one", "two"]))
    embed(path)
    with pytest.raises(ConfigError, match=f"{name} must be .*, as of the corpus in .* Give another folder as out"):
        embed(path, **{name: value})


def test_a_picture_with_a_caption_is_embedded_with_it_or_alone(tmp_path):
    picture(tmp_path / "photos" / "a.png", 90)
    (tmp_path / "photos" / "a.txt").write_text("a grey wall\n")
    both, alone = Embedding(tmp_path / "both"), Embedding(tmp_path / "alone", embedded=Embedded.media)
    for embed in (both, alone):
        embed(str(tmp_path / "photos"))
    (of_both,), (of_alone,) = both.rows().values(), alone.rows().values()
    assert (of_both["modality"], of_alone["modality"]) == ("text+image", "image")
    assert of_both["text"] == of_alone["text"] == "a grey wall" and of_both["vector"] != of_alone["vector"]
    assert of_both["thumbnail"][:2] == b"\xff\xd8"


@pytest.mark.parametrize("vectors", [Vectors.float16, Vectors.int8, Vectors.binary])
def test_what_smaller_vectors_cost_is_told(tmp_path, embed, vectors):
    path = str(table(tmp_path / "a.csv", [f"text {at}" for at in range(60)]))
    outcome = embed(path, vectors=vectors)
    recall, num = outcome.recall
    assert num == 60 and (0.3 < recall < 1 if vectors is Vectors.binary else recall > 0.9)
    assert embed.stored.facts.recall_at_10 == recall
    assert f"{recall:.1%} (a sample of 60 rows)" in outcome.told(embed.out)[-1]


def test_columns_are_renamed_and_reserved_names_are_refused(tmp_path, embed):
    path = str(table(tmp_path / "a.csv", ["one"], vector=["x"], source=["y"]))
    with pytest.raises(ConfigError, match=r"a column of metadata must be another name .*, but is 'vector, source'. Rename it"):
        embed(path)
    embed(path, ColumnsConfig(rename={"vector": "arrow"}, drop=["source"]))
    assert embed.stored.columns == {"arrow": "string"} and embed.rows()["row 0"]["arrow"] == "x"


def test_no_half_surrogates_stop_it(tmp_path, embed):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a\\ud800", "text": "one", "note": "b\\udfff"}\n{"id": "b", "text": "c\\ud800"}\n{"id": "c", "text": "two"}\n')
    embed(str(path))
    rows = embed.rows()
    assert sorted(rows) == ["a\\ud800", "c"] and rows["a\\ud800"]["note"] == "b\\udfff"
    assert "half of a surrogate pair" in embed.skipped()["b"]


def test_options_are_checked():
    with pytest.raises(ConfigError, match="rows_per_part must be at least 1"):
        CorpusOptions(rows_per_part=0)
    with pytest.raises(ConfigError, match="seconds_per_part must be above 0"):
        CorpusOptions(seconds_per_part=0)
    with pytest.raises(ConfigError, match="max_skipped_share must be from 0 to 1"):
        CorpusOptions(max_skipped_share=2)
