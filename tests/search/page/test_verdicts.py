import json

import pytest

from tests.search.media_files import picture
from tests.search.page.material import WordSearching, rows
from unite.data.labels import read_labels
from unite.errors import DataError
from unite.search.hits import Hit
from unite.search.page.asked import Asked, AskedPart
from unite.search.page.uploads import Uploads
from unite.search.page.verdicts import Clicked, Verdicts
from unite.search.server.uploads import upload_of_bytes
from unite.types import Modality


@pytest.fixture
def searching(tmp_path):
    file = tmp_path / "file.png"
    file.write_bytes(picture("red"))
    return WordSearching([*rows(4), (Hit("file", 0.0, str(file), "text+image", "a file"), (picture("red"), "image/png"))])


def test_a_file_of_verdicts_stands_alone(searching, tmp_path):
    path, uploads = tmp_path / "labels.jsonl", Uploads()
    verdicts = Verdicts(path, uploads)
    dropped = upload_of_bytes(picture("blue"))
    asked = Asked((AskedPart("like it", uploads.keep(dropped)),))
    for verdict, id in [("right", "id 1&<x>"), ("wrong", "file"), ("wrong", "script")]:
        verdicts.keep(asked, Clicked(verdict, id, 3, 0.5), searching)
    assert verdicts.of(asked) == {"id 1&<x>": "right", "file": "wrong", "script": "wrong"}
    (query,) = read_labels(path)
    ((modality, kept),) = query.content.media
    assert (query.content.text, modality, kept.read_bytes()) == ("like it", Modality.IMAGE, dropped.data)
    ((_, copied),) = query.right["id 1&<x>"].media  # it lies in a shard
    assert copied.parent == tmp_path / "labels.media" and copied.read_bytes() == searching.media("id 1&<x>")[0]
    assert query.wrong["file"].media == ((Modality.IMAGE, tmp_path / "file.png"),)
    assert (query.wrong["file"].text, query.wrong["script"].media) == ("a file", ())
    line = json.loads(path.read_text().splitlines()[0])
    assert {key: line[key] for key in ("encoder", "rank", "score", "source")} == {
        "encoder": "words",
        "rank": 3,
        "score": 0.5,
        "source": "/data/shard-000000.tar#1",
    }


def test_the_next_server_knows_them(searching, tmp_path):
    asked = Asked((AskedPart("even"),), words="x", page=2)
    first = Verdicts(tmp_path / "l.jsonl", Uploads())
    for verdict, id in [("right", "file"), ("wrong", "script"), ("none", "script")]:
        first.keep(asked, Clicked(verdict, id), searching)
    again = Verdicts(tmp_path / "l.jsonl", Uploads())
    assert again.of(Asked((AskedPart("even"),), words="x")) == {"file": "right"}  # whatever the page
    assert again.of(Asked((AskedPart("odd"),))) == {}


def test_two_servers_that_keep_one_file_show_each_others(searching, tmp_path):
    asked = Asked((AskedPart("even"),))
    one, other = (Verdicts(tmp_path / "l.jsonl", Uploads()) for _ in range(2))
    for verdicts, (verdict, id) in zip((one, other, one), [("right", "file"), ("wrong", "script"), ("none", "script")], strict=True):
        verdicts.keep(asked, Clicked(verdict, id), searching)
    assert one.of(asked) == other.of(asked) == {"file": "right"}
    (tmp_path / "l.jsonl").write_text("{broken")
    assert one.of(asked) == {"file": "right"}
    (tmp_path / "l.jsonl").unlink()
    assert one.of(asked) == {}


def test_rows_to_be_like_and_words_are_queries_too(searching, tmp_path):
    verdicts = Verdicts(tmp_path / "l.jsonl", Uploads())
    verdicts.keep(Asked(like=("file",)), Clicked("right", "script"), searching)
    verdicts.keep(Asked(words="tree"), Clicked("right", "script"), searching)
    verdicts.keep(Asked((AskedPart("a"), AskedPart("b", is_not=True))), Clicked("right", "script"), searching)
    like, words, both = read_labels(tmp_path / "l.jsonl")
    assert like.content.media == ((Modality.IMAGE, tmp_path / "file.png"),)
    assert words.content.text == "tree"
    assert both.content is None and [weight for _, weight in both.parts] == [1.0, -1.0]


def test_what_cannot_be_kept_is_told_and_not_shown(searching, tmp_path):
    verdicts = Verdicts(tmp_path / "l.jsonl", Uploads())
    asked = Asked((AskedPart("a"),))
    for clicked, told in [
        (Clicked("right", "no such"), "no row has the id"),
        (Clicked("good", "file"), "a verdict must be right or wrong or none"),
    ]:
        with pytest.raises(DataError, match=told):
            verdicts.keep(asked, clicked, searching)
    with pytest.raises(DataError, match="not kept any more"):
        verdicts.keep(Asked((AskedPart("", "gone"),)), Clicked("right", "file"), searching)
    assert not (tmp_path / "l.jsonl").exists() and verdicts.of(asked) == {}


def test_a_caption_that_was_not_embedded_is_no_part_of_the_row(tmp_path):
    (tmp_path / "cat.png").write_bytes(picture("red"))
    alone = Hit("alone", 0.0, str(tmp_path / "cat.png"), "image", "a red cat")
    in_shard = Hit("in shard", 0.0, "/data/shard-000000.tar#1", "image", "a blue cat")
    gone = Hit("gone", 0.0, "/data/shard-000000.tar#2", "image", "a cat")
    searching = WordSearching([(alone, None), (in_shard, (picture("blue"), "image/png")), (gone, None)])
    verdicts, asked = Verdicts(tmp_path / "l.jsonl", Uploads()), Asked((AskedPart("a red cat"),))
    for id in ("alone", "in shard"):
        verdicts.keep(asked, Clicked("right", id), searching)
    (query,) = read_labels(tmp_path / "l.jsonl")
    assert [(row.text, len(row.media)) for row in query.right.values()] == [("", 1), ("", 1)]
    with pytest.raises(DataError, match="the medium of gone must be there, but is 'not found in /data/shard-000000.tar#2'"):
        verdicts.keep(asked, Clicked("right", "gone"), searching)
