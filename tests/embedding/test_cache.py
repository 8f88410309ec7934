"""The cache as it is used; by way of it `cache_parts.py`, its files."""

import errno

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tests.fake_encoder import FakeEncoder
from unite.embedding.cache import DiskCache, tell_outdated
from unite.embedding.embed import embed_contents
from unite.embedding.sharing import told_cache
from unite.errors import DataError
from unite.types import Content

CONTENTS = [Content(text=f"text {at}") for at in range(10)]


def parts(cache):
    return sorted(cache.folder.glob("part-*.safetensors"))


def test_a_second_process_embeds_nothing_again(tmp_path):
    first = embed_contents(FakeEncoder(), CONTENTS, cache=DiskCache.of_encoder(tmp_path, FakeEncoder()))
    cache, encoder = DiskCache.of_encoder(tmp_path, FakeEncoder()), FakeEncoder()
    assert len(cache) == 10
    assert torch.equal(embed_contents(encoder, CONTENTS, cache=cache), first)
    assert encoder.processor.encoded == []


def test_tells_what_it_was_asked_for_and_what_is_new(tmp_path):
    cache = DiskCache.of_encoder(tmp_path, FakeEncoder())
    embed_contents(FakeEncoder(), CONTENTS, cache=cache)
    embed_contents(FakeEncoder(), CONTENTS, cache=cache)  # its own, not an earlier process's
    assert (len(cache.taken), cache.num_made) == (0, 10)
    again = DiskCache.of_encoder(tmp_path, FakeEncoder())
    embed_contents(FakeEncoder(), [*CONTENTS[:4], *CONTENTS[:3], Content(text="new")], cache=again)
    assert (len(again.taken), again.num_made) == (4, 1)
    told = f"Of 5 embeddings 4 were taken from the cache in {again.folder}, 1 were made."
    assert told_cache(again) == f"{told} It takes 0.0 MB, those of all encoders beside it 0.0 MB."
    assert again.num_bytes()[0] == again.num_bytes()[1] == sum(part.stat().st_size for part in parts(again))
    assert told_cache(None) == "No embeddings were kept."


def test_an_encoder_that_was_trained_on_gets_none_of_the_old_embeddings(tmp_path):
    old = embed_contents(FakeEncoder(), CONTENTS, cache=DiskCache.of_encoder(tmp_path, FakeEncoder()))
    trained = FakeEncoder()
    with torch.no_grad():
        trained.tokens += 0.1 * torch.randn(256, 16, generator=torch.Generator().manual_seed(1))
    cache = DiskCache.of_encoder(tmp_path, trained)
    new = embed_contents(trained, CONTENTS, cache=cache)
    assert not cache.taken and not torch.allclose(new, old)
    torch.testing.assert_close(new, embed_contents(trained, CONTENTS))


def test_a_crash_loses_at_most_one_part(tmp_path):
    cache = DiskCache(tmp_path, 1, 2, rows_per_part=4)
    with pytest.raises(DataError, match="NaN"):
        embed_contents(FakeEncoder(), [*CONTENTS, Content(text="nan")], cache=cache)
    again = DiskCache(tmp_path, 1, 2)
    assert len(again) == 8
    assert again.get(Content(text="nan").fingerprint) is None


def test_where_nothing_can_be_written_it_goes_on_without_and_says_so_once(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    cache, expected = DiskCache(tmp_path / "file", 1, 2), embed_contents(FakeEncoder(), CONTENTS)
    with cache.turn("work", wait=False) as is_held:
        assert is_held and torch.equal(embed_contents(FakeEncoder(), CONTENTS, cache=cache), expected)
    assert caplog.text.count("no embeddings can be kept in") == 1
    caplog.clear()

    def full(rows, path, metadata):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device")

    cache, encoder = DiskCache(tmp_path / "full", 1, 2, rows_per_part=3), FakeEncoder()
    monkeypatch.setattr("unite.embedding.cache_parts.save_file", full)
    for _ in range(2):  # in memory they are kept
        assert torch.equal(embed_contents(encoder, CONTENTS, cache=cache), expected)
    assert len(encoder.processor.encoded) == 10
    assert caplog.text.count("no embeddings can be kept in") == 1
    assert "No space left on device): it goes on without. Free space there" in caplog.text and "cache=null" in caplog.text
    assert [path.name for path in cache.folder.iterdir()] == ["cache.json"]  # no half part


def test_where_nothing_can_be_locked_it_goes_on(tmp_path, monkeypatch, caplog):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    cache = DiskCache(tmp_path, 1, 2)
    for _ in range(2):
        with cache.turn("work", wait=True) as is_held:
            assert is_held
    embed_contents(FakeEncoder(), CONTENTS, cache=cache)
    assert len(DiskCache(tmp_path, 1, 2)) == 10
    assert caplog.text.count("No locks available") == caplog.text.count("two processes may embed the same") == 1


def test_another_encoder_or_prompt_has_embeddings_of_its_own(tmp_path):
    embed_contents(FakeEncoder(), CONTENTS, cache=DiskCache(tmp_path, 1, 2))
    assert len(DiskCache(tmp_path, 3, 2)) == 0
    assert len(DiskCache(tmp_path, 1, 3)) == 0
    assert len(DiskCache(tmp_path, 1, 2)) == 10


def test_embeddings_of_another_encoder_are_refused(tmp_path):
    cache = DiskCache(tmp_path, 1, 2)
    cache.folder.rename(tmp_path / cache.folder.name.replace(f"{1:016x}", f"{3:016x}"))
    with pytest.raises(
        DataError, match=r"must be made by .*'encoder': '0+3'.* but is .*0+1.*Give another cache folder, or delete this one"
    ):
        DiskCache(tmp_path, 3, 2)
    cache = DiskCache(tmp_path, 5, 2)
    cache.put(1, torch.ones(4))
    cache.flush()
    with pytest.raises(DataError, match="must be 4 long, as the cached ones, but is 5"):
        DiskCache(tmp_path, 5, 2).put(2, torch.ones(5))
    with pytest.raises(DataError, match="an embedding to be kept must be finite"):
        cache.put(3, torch.tensor([1.0, torch.inf, 1, 1]))


def test_what_an_earlier_version_left_is_told_once_and_left_alone(tmp_path, caplog):
    caplog.set_level("INFO")
    cache = DiskCache(tmp_path / "cache", 1, 2)
    tell_outdated(cache.folder.parent, tmp_path / "old")
    assert "earlier version" not in caplog.text
    old = tmp_path / "old" / f"{1:016x}-{2:016x}"
    old.mkdir(parents=True)
    (old / "cache.json").write_text("{}")
    (old / "part-0.safetensors").write_bytes(bytes(2_000_000))
    for _ in range(2):
        tell_outdated(cache.folder.parent, tmp_path / "old")
    assert caplog.text.count(f"{tmp_path / 'old'} holds embeddings of an earlier version (2.0 MB)") == 1
    assert sorted(path.name for path in old.iterdir()) == ["cache.json", "part-0.safetensors"]


@pytest.mark.parametrize("damage", ["cut off", "a flipped bit", "no checksum"])
def test_a_damaged_part_is_named_set_aside_and_made_again(tmp_path, caplog, damage):
    cache = DiskCache(tmp_path, 1, 2, rows_per_part=5)
    expected = embed_contents(FakeEncoder(), CONTENTS, cache=cache)
    part, other = parts(cache)
    data = bytearray(part.read_bytes())
    if damage == "a flipped bit":
        data[-6] ^= 1
    part.write_bytes(data[:-10] if damage == "cut off" else data)
    if damage == "no checksum":
        save_file(load_file(part), part)
    again, encoder = DiskCache(tmp_path, 1, 2), FakeEncoder()
    assert len(again) == 5 and caplog.text.count("is damaged") == 1
    assert str(part) in caplog.text and "its embeddings are made again; it is set aside" in caplog.text
    assert torch.equal(embed_contents(encoder, CONTENTS, cache=again), expected) and len(encoder.processor.encoded) == 5
    caplog.clear()
    assert len(DiskCache(tmp_path, 1, 2)) == 10 and caplog.text == ""  # told once
    assert other in parts(cache) and part.with_suffix(".damaged").is_file()


def test_a_part_of_another_layout_is_none(tmp_path, caplog):
    """Whole, and with its checksum: it came from the folder of another encoder."""
    mine, other = DiskCache(tmp_path, 1, 2), DiskCache(tmp_path, 3, 2)
    for cache, dim in ((mine, 4), (other, 9)):
        cache.put(dim, torch.ones(dim))
        cache.flush()
    part = parts(other)[0].rename(mine.folder / "part-zzz.safetensors")
    again = DiskCache(tmp_path, 1, 2)
    assert len(again) == 1 and again.get(9) is None
    assert f"{part} is damaged (it holds {{" in caplog.text


def test_a_note_that_is_no_text_is_of_another_encoder(tmp_path):
    (DiskCache(tmp_path, 1, 2).folder / "cache.json").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="must be made by .* but is .*xff.*Give another cache folder, or delete this one"):
        DiskCache(tmp_path, 1, 2)


def test_what_is_not_finite_is_refused_on_reading_too(tmp_path, caplog, monkeypatch):
    cache = DiskCache(tmp_path, 1, 2)
    monkeypatch.setattr("torch.Tensor.isfinite", lambda tensor: torch.ones_like(tensor, dtype=torch.bool))
    for name, value in enumerate((torch.nan, torch.inf, 1.0)):
        cache.put(name, torch.tensor([1.0, value]))
    cache.flush()
    monkeypatch.undo()
    again = DiskCache(tmp_path, 1, 2)
    assert [again.get(name) is None for name in range(3)] == [True, True, False]
    assert f"{parts(cache)[0]} holds 2 embeddings that are NaN or infinite: they are made again" in caplog.text


def test_of_two_embeddings_of_equal_contents_every_process_takes_the_same(tmp_path):
    made = [torch.tensor([0.6, 0.8 + rounding]) for rounding in (0.0, 1e-7)]
    taken = []
    for turn in range(6):  # the parts' names, and so their order, are random
        ranks = [DiskCache(tmp_path / str(turn), 1, 2) for _ in made]
        for cache, embedding in zip(ranks, made[:: 1 if turn % 2 else -1], strict=True):
            cache.put(5, embedding)
            cache.flush()
        taken.append(DiskCache(tmp_path / str(turn), 1, 2).get(5))
    assert not torch.equal(*made) and all(torch.equal(one, made[0]) for one in taken)
