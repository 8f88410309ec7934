import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from PIL import Image

from tests.commands import ROOT
from tests.fake_encoder import FakeEncoder, SlowEncoder
from unite.config.schema.media import Decoding
from unite.embedding.cache import DiskCache
from unite.embedding.embed import embed_contents, fingerprints
from unite.embedding.lazy import FileContent, FileContents
from unite.embedding.sharing import embed_sharded, sum_of_ranks
from unite.errors import DataError
from unite.types import Content, Modality

WORLD = 2
CASES = {num: [Content(text=f"text {at} " + "x" * (at * 7 % 13)) for at in range(num)] for num in (1, 4, 7)}


def pictures(folder: Path) -> FileContents:
    """Sixty files, each picture twice."""
    paths = [folder / f"{at}.png" for at in range(60)]
    return FileContents([FileContent(media=((Modality.IMAGE, path),)) for path in paths], [path.name for path in paths], Decoding())


def on_rank(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=WORLD)
    results = {str(num): embed_sharded(FakeEncoder(), contents) for num, contents in CASES.items()}
    try:
        embed_sharded(FakeEncoder(), [Content(text="fine"), Content(text="a nan")], ids=["q0", "q1"])
    except DataError as error:
        results["error"] = torch.tensor(list(str(error).encode()))
    for name in ("first", "again"):
        encoder, cache = FakeEncoder(), DiskCache(f"{folder}/cache", 1, 2)
        for order in (1, -1):  # two tasks that hold the same contents, at other places
            results[f"{name}{order}"] = embed_sharded(encoder, CASES[7][::order], cache=cache)
        results[name] = torch.tensor([len(encoder.processor.encoded), sum_of_ranks(len(cache.taken)), sum_of_ranks(cache.num_made)])
    read = []
    original = FileContent.read
    FileContent.read = lambda self, *how: read.append(self) or original(self, *how)
    for name in ("pictures", "cached"):
        cache = DiskCache(f"{folder}/pictures", 1, 2)
        results[name] = embed_sharded(FakeEncoder(), pictures(Path(folder)), cache=cache)
        results[f"{name} read"] = torch.tensor([len(read), *fingerprints(pictures(Path(folder)), cache)])
    torch.save(results, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    for at in range(60):
        Image.new("RGB", (4, 4), (at // 2, 0, 0)).save(folder / f"{at}.png")
    mp.spawn(on_rank, (str(folder),), nprocs=WORLD)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]


@pytest.mark.parametrize("num", CASES)
def test_two_ranks_equal_one_process(results, num):
    expected = embed_contents(FakeEncoder(), CASES[num])
    for result in results:
        torch.testing.assert_close(result[str(num)], expected, atol=1e-6, rtol=0)


def test_equal_contents_are_embedded_by_one_rank_once_and_never_again(results):
    first, again = (sum(int(result[name][0]) for result in results) for name in ("first", "again"))
    assert (first, again) == (7, 0)
    assert all(result["first"].tolist()[1:] == [0, 7] and result["again"].tolist()[1:] == [7, 0] for result in results)
    for result in results:
        torch.testing.assert_close(result["again-1"], embed_contents(FakeEncoder(), CASES[7][::-1]), atol=1e-6, rtol=0)


def test_each_rank_reads_its_share_and_nothing_that_is_cached(results):
    read = [result["pictures read"][0].item() for result in results]
    assert sum(read) == 60 and min(read) > 15
    assert [result["cached read"][0].item() for result in results] == read  # no more
    for result in results:
        assert torch.equal(result["pictures"], results[0]["pictures"]) and torch.equal(result["pictures"], result["cached"])
        assert torch.equal(result["pictures"][::2], result["pictures"][1::2])  # equal ones on two ranks too
        prints = result["pictures read"][1:].tolist()
        assert prints[::2] == prints[1::2] and len(set(prints)) == 30


def test_a_failure_on_one_rank_ends_all(results):
    messages = [bytes(result["error"].tolist()).decode() for result in results]
    assert messages[0] == "embedding failed on rank 1; its own message tells why."
    assert "NaN or infinite for 1 contents: q1" in messages[1]


def test_without_a_process_group_it_is_the_plain_call():
    assert torch.equal(embed_sharded(FakeEncoder(), CASES[7]), embed_contents(FakeEncoder(), CASES[7]))


MANY = [Content(text=f"content {at}") for at in range(5000)]


#: Embeds the same with a cache in each folder that it is told, says how many it embedded, and takes longer for the next.
OTHER = """
import sys
from tests.fake_encoder import SlowEncoder
from unite.embedding.cache import DiskCache
from unite.embedding.sharing import embed_sharded
from unite.types import Content
for seconds in (0.2, 60):
    print("ready", flush=True)
    cache, encoder = DiskCache(sys.stdin.readline().strip(), 1, 2), SlowEncoder(seconds)
    embed_sharded(encoder, [Content(text=f"content {at}") for at in range(5000)], cache=cache)
    print(len(encoder.processor.encoded), flush=True)
"""


def test_processes_that_share_a_cache_embed_nothing_twice_and_go_on_where_one_dies(tmp_path, caplog):
    caplog.set_level("INFO")
    expected = embed_contents(FakeEncoder(), MANY)
    other = subprocess.Popen([sys.executable, "-c", OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def embed_beside_it(folder, encoder):
        assert other.stdout.readline() == "ready\n"
        other.stdin.write(f"{folder}\n")
        other.stdin.flush()
        while not list(folder.glob("*/*.lock")):
            assert other.poll() is None
            time.sleep(0.01)
        found = embed_sharded(encoder, MANY, cache=DiskCache(folder, 1, 2))
        assert torch.equal(found, expected)
        return len(encoder.processor.encoded)

    try:
        ours = embed_beside_it(tmp_path / "shared", SlowEncoder(0.2))
        assert ours + int(other.stdout.readline()) == len(MANY) and 1000 < ours < 4000
        threading.Timer(1, other.kill).start()
        assert embed_beside_it(tmp_path / "killed", FakeEncoder()) == len(MANY)
        assert f"waiting for process {other.pid} on " in caplog.text
    finally:
        other.kill()
        other.communicate()
