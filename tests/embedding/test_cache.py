import json
from dataclasses import replace

import pytest
import torch
from safetensors import SafetensorError

from tests.fake_encoder import FakeEncoder, FakeProcessor
from unite.embedding.cache import DiskCache, encoder_fingerprint, prompt_fingerprint
from unite.embedding.embed import embed_contents
from unite.embedding.sharing import told_cache
from unite.errors import DataError
from unite.media import KINDS
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
    assert told_cache(again) == f"Of 5 embeddings 4 were taken from the cache in {again.folder}, 1 were made."
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


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"the cache of embeddings cannot be made in .*file.*cache=null keeps none"):
        DiskCache(tmp_path / "file", 1, 2)
    cache = DiskCache(tmp_path, 1, 2)

    def full(rows, path):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr("unite.embedding.cache.save_file", full)
    with pytest.raises(DataError, match=r"no embeddings can be written to .*No space left.*Free space there.*cache=null"):
        embed_contents(FakeEncoder(), CONTENTS, cache=cache)
    assert [path.name for path in cache.folder.iterdir()] == ["cache.json"]  # no half part


def test_another_encoder_or_prompt_has_embeddings_of_its_own(tmp_path):
    embed_contents(FakeEncoder(), CONTENTS, cache=DiskCache(tmp_path, 1, 2))
    assert len(DiskCache(tmp_path, 3, 2)) == 0
    assert len(DiskCache(tmp_path, 1, 3)) == 0
    assert len(DiskCache(tmp_path, 1, 2)) == 10


def test_embeddings_of_another_encoder_are_refused(tmp_path):
    cache = DiskCache(tmp_path, 1, 2)
    cache.folder.rename(tmp_path / f"{3:016x}-{2:016x}")
    with pytest.raises(
        DataError, match=r"must be made by .*'encoder': '0+3'.* but is .*0+1.*Give another cache folder, or delete this one"
    ):
        DiskCache(tmp_path, 3, 2)
    cache = DiskCache(tmp_path, 5, 2)
    cache.put(1, torch.ones(4))
    cache.flush()
    with pytest.raises(DataError, match="must be 4 long, as the cached ones, but is 5"):
        DiskCache(tmp_path, 5, 2).put(2, torch.ones(5))


def test_what_an_earlier_version_left_is_told_once_and_used(tmp_path, caplog):
    cache = DiskCache(tmp_path, 1, 2)
    embed_contents(FakeEncoder(), CONTENTS, cache=cache)
    (cache.folder / "cache.json").write_text(json.dumps({"encoder": f"{1:016x}", "prompt": f"{2:016x}"}))
    caplog.set_level("INFO")
    assert [len(DiskCache(tmp_path, 1, 2)) for _ in range(2)] == [10, 10]
    assert caplog.text.count("of an earlier version") == 1


def test_a_broken_part_is_made_again_and_said(tmp_path, caplog):
    cache = DiskCache(tmp_path, 1, 2)
    embed_contents(FakeEncoder(), CONTENTS, cache=cache)
    parts(cache)[0].write_bytes(b"cut off")
    assert len(DiskCache(tmp_path, 1, 2)) == 0
    assert "its embeddings are made again" in caplog.text


def test_the_fingerprint_of_an_encoder_tells_weights_and_settings():
    encoder = FakeEncoder()
    base = encoder_fingerprint(encoder)
    assert base == encoder_fingerprint(FakeEncoder()) == encoder_fingerprint(encoder.eval())
    encoder.name_or_path = "another/folder"
    assert encoder_fingerprint(encoder) == base
    encoder.positions = "sequential"
    assert encoder_fingerprint(encoder) != base
    other = FakeEncoder()
    with torch.no_grad():
        other.tokens[3, 5] += 1e-6
    assert encoder_fingerprint(other) != base


def test_the_fingerprint_of_a_prompt_tells_how_contents_are_read():
    class Shorter(FakeProcessor):
        def encode(self, content):
            encoded = super().encode(content)
            encoded.input_ids = encoded.input_ids[:10]
            return encoded

    class Refusing(FakeProcessor):
        def encode(self, content):
            if content.media:
                raise DataError("no media")
            return super().encode(content)

    limited = FakeProcessor()
    limited.max_length = 99
    assert prompt_fingerprint(limited) != prompt_fingerprint(FakeProcessor())
    fingerprints = [prompt_fingerprint(processor()) for processor in (FakeProcessor, FakeProcessor, Shorter, Refusing)]
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 3


@pytest.mark.parametrize("kind", KINDS, ids=[kind.word for kind in KINDS])
def test_the_fingerprint_of_a_prompt_tells_how_each_kind_of_media_is_read(kind):
    class WithoutIt(FakeProcessor):
        def encode(self, content):
            media = tuple(medium for medium in content.media if medium.modality is not kind.modality)
            return super().encode(replace(content, media=media))

    assert prompt_fingerprint(WithoutIt()) != prompt_fingerprint(FakeProcessor())


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
