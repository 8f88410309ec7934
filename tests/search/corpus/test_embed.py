"""A corpus from its sources to the table, and what becomes of it as they change. Also `making.py`, `plan.py`, `parts.py`,
`begun.py`, `encoder.py`, `outcome.py`."""

import csv
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch.distributed as dist
import torch.multiprocessing as mp

from tests.fake_encoder import FakeEncoder
from tests.search.corpus.material import PROCESSES, Embedding, a_moment_later, embed_slowly, picture
from unite.config.schema.embed import ColumnsConfig, CorpusOptions, Embedded
from unite.config.schema.media import Decoding
from unite.config.schema.vectors import Vectors
from unite.embedding.embed import embed_contents
from unite.errors import ConfigError, DataError
from unite.locks import locked
from unite.search.corpus import making, parts
from unite.search.corpus.stored import StoredCorpus
from unite.types import Content


@pytest.fixture
def embed(tmp_path):
    return Embedding(tmp_path / "out")


def table(path, texts, **columns):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", *columns])
        writer.writerows([f"row {at}", text, *(values[at] for values in columns.values())] for at, text in enumerate(texts))
    return path


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


def test_two_processes_at_once_are_refused(tmp_path, embed):
    path = str(table(tmp_path / "a.csv", ["one"]))
    with (
        locked(tmp_path / "out" / "lock"),
        pytest.raises(DataError, match=rf"the corpus must be .*, but is '.*held by process {os.getpid()} on"),
    ):
        embed(path)
    embed(path)


def test_a_full_disk_is_told_and_what_was_done_is_kept(tmp_path, embed, monkeypatch):
    path = str(table(tmp_path / "a.csv", [f"text {at}" for at in range(12)]))
    write, num = parts.Parts.write, 0

    def full(self, rows):
        nonlocal num
        num += 1
        if num == 3:
            raise OSError(28, "No space left on device")
        write(self, rows)

    monkeypatch.setattr(parts.Parts, "write", full)
    with pytest.raises(OSError, match="No space left"):
        embed(path, rows_per_part=4)
    monkeypatch.undo()
    embed(path, rows_per_part=4)
    assert embed.num_embedded == 4 and len(embed.rows()) == 12


@pytest.mark.parametrize("moment", ["before", "after put", "after drop"])
def test_broken_off_as_parts_are_taken_in_nothing_is_lost_or_twice(tmp_path, embed, monkeypatch, moment):
    path = table(tmp_path / "a.csv", ["one", "two", "three", "four"])
    embed(str(path))
    table(path, ["one", "new", "newer"])
    a_moment_later(path)

    class Killed(BaseException):
        pass

    def killed(*given):
        raise Killed

    if moment == "before":
        monkeypatch.setattr(parts.Parts, "groups", killed)
    elif moment == "after put":
        unlink = Path.unlink
        monkeypatch.setattr(Path, "unlink", lambda self, **how: killed() if self.name.startswith("part-") else unlink(self, **how))
    else:
        monkeypatch.setattr(StoredCorpus, "optimize", killed)
    with pytest.raises(Killed):
        embed(str(path))
    monkeypatch.undo()
    assert not embed.stored.facts.is_whole
    embed(str(path))
    assert embed.num_embedded == 0 and embed.stored.facts.is_whole
    assert {id: row["text"] for id, row in embed.rows().items()} == {"row 0": "one", "row 1": "new", "row 2": "newer"}
    assert len(embed.stored) == 3


def test_killed_at_any_moment_the_next_call_does_what_is_left(tmp_path):
    texts = [f"text {at} {'x' * (at % 7 + 1)}" for at in range(30)]
    path, log, out = table(tmp_path / "a.csv", texts), tmp_path / "log", tmp_path / "out"
    log.touch()
    PROCESSES.set_forkserver_preload(["tests.search.corpus.material"])
    kills = 0
    for num in (1, 5, 9, 16, 24):
        process = PROCESSES.Process(target=embed_slowly, args=(path, out, log))
        process.start()
        while process.is_alive() and len(log.read_text()) < num + 3 * kills:
            time.sleep(0.005)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.join(60)
    assert kills >= 4
    process = PROCESSES.Process(target=embed_slowly, args=(path, out, log, 0.0))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    stored = StoredCorpus(out)
    read = stored.read(["id", "vector"])
    assert sorted(read.column("id").to_pylist()) == sorted(f"row {at}" for at in range(30)) and stored.facts.is_whole
    ours = dict(zip(read.column("id").to_pylist(), stored.embeddings(read), strict=True))
    expected = embed_contents(FakeEncoder(), [Content(text) for text in texts]).numpy()
    np.testing.assert_allclose(np.stack([ours[f"row {at}"] for at in range(30)]), expected, atol=1e-6)
    assert 30 <= len(log.read_text()) <= 30 + 3 * kills  # at most the part at hand was done again
    assert not (out / "parts").exists() and not list(out.glob("*.partial"))


def on_rank(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    embed = Embedding(Path(folder) / "out", rows_per_part=3)
    try:
        for _ in range(2):
            outcome = embed(f"{folder}/a.csv")
            with open(f"{folder}/{rank}.jsonl", "a") as file:  # noqa: PTH123
                file.write(json.dumps([embed.num_embedded, outcome.counts.embedded, outcome.counts.skipped]) + "\n")
        if rank == 0:
            (Path(folder) / "ids.json").write_text(json.dumps(embed.stored.read(["id"]).column("id").to_pylist()))
            (Path(folder) / "out" / "corpus.json").write_text("damaged")
        dist.barrier()
        embed(f"{folder}/a.csv")
    except DataError as error:
        (Path(folder) / f"{rank}.error").write_text(str(error))
    dist.destroy_process_group()


def test_two_ranks_share_the_rows_and_fail_together(tmp_path):
    texts = [f"text {at}" for at in range(20)]
    table(tmp_path / "a.csv", [*texts, ""])  # an empty row
    mp.spawn(on_rank, (str(tmp_path),), nprocs=2)
    told = [[json.loads(line) for line in (tmp_path / f"{rank}.jsonl").read_text().splitlines()] for rank in range(2)]
    assert told[0][0][0] + told[1][0][0] == 20 and min(told[0][0][0], told[1][0][0]) > 3
    assert all(first[1:] == [20, 1] and second[:2] == [0, 0] for first, second in told)
    rows = json.loads((tmp_path / "ids.json").read_text())
    assert sorted(rows) == sorted(f"row {at}" for at in range(20))
    assert "cannot be read" in (tmp_path / "0.error").read_text()
    assert (tmp_path / "1.error").read_text() == "another process of this corpus failed; its own message tells why."


def test_a_file_that_changes_while_it_is_read_is_told_and_embedded_again(tmp_path, embed, monkeypatch):
    folder = tmp_path / "photos"
    for at in range(3):
        picture(folder / f"{at}.png", at * 20)
    made = making.thumbnail

    def writing(content, side):
        picture(folder / "1.png", 200)
        a_moment_later(folder / "1.png")
        (folder / "2.png").unlink(missing_ok=True)
        return made(content, side)

    monkeypatch.setattr(making, "thumbnail", writing)
    outcome = embed(str(folder))
    monkeypatch.undo()
    assert outcome.counts.changed >= 1 and "run it again" in " ".join(outcome.told(embed.out))
    assert sorted(embed.rows()) == ["0.png", "1.png"] and "2.png" in embed.skipped()
    embed(str(folder))
    assert embed.outcome.counts.changed == 0 and embed.skipped() == {}
    again = Embedding(tmp_path / "again")
    again(str(folder))
    assert {id: row["vector"] for id, row in embed.rows().items()} == {id: row["vector"] for id, row in again.rows().items()}


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
