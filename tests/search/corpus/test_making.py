"""A corpus that several make at once, or that is broken off: nothing is lost and nothing is there twice. Also `ready.py`."""

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
from tests.search.corpus.material import PROCESSES, Embedding, a_moment_later, embed_slowly, picture, table
from unite.embedding.embed import embed_contents
from unite.errors import DataError
from unite.locks import locked
from unite.search.corpus import parts, ready
from unite.search.corpus.stored import StoredCorpus
from unite.types import Content


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
    made = ready.thumbnail

    def writing(content, side):
        picture(folder / "1.png", 200)
        a_moment_later(folder / "1.png")
        (folder / "2.png").unlink(missing_ok=True)
        return made(content, side)

    monkeypatch.setattr(ready, "thumbnail", writing)
    outcome = embed(str(folder))
    monkeypatch.undo()
    assert outcome.counts.changed >= 1 and "run it again" in " ".join(outcome.told(embed.out))
    assert sorted(embed.rows()) == ["0.png", "1.png"] and "2.png" in embed.skipped()
    embed(str(folder))
    assert embed.outcome.counts.changed == 0 and embed.skipped() == {}
    again = Embedding(tmp_path / "again")
    again(str(folder))
    assert {id: row["vector"] for id, row in embed.rows().items()} == {id: row["vector"] for id, row in again.rows().items()}
