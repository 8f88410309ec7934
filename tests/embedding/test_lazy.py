import io
import os

import numpy as np
import pytest
import torch
from PIL import Image

from tests.fake_encoder import FakeEncoder
from unite.config.schema.media import Decoding
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardReader, ShardWriter
from unite.embedding.cache import DiskCache
from unite.embedding.embed import embed_contents
from unite.embedding.lazy import FileContent, FileContents, LazyContent, StoredContents
from unite.embedding.memory import MemoryCache
from unite.errors import DataError
from unite.types import Content, Modality

NUM = 12


def png(brightness: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), brightness, dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def still(brightness: int) -> StoredMedium:
    return StoredMedium(Modality.IMAGE, png(brightness), "png")


@pytest.fixture
def files(tmp_path):
    """Image files; two and two are equal."""
    paths = [tmp_path / f"{at}.png" for at in range(NUM)]
    for at, path in enumerate(paths):
        path.write_bytes(png(at // 2))
    return paths


def of_files(paths, decoding=None, text=""):
    return FileContents(
        [FileContent(text, ((Modality.IMAGE, path),)) for path in paths], [path.name for path in paths], decoding or Decoding()
    )


@pytest.fixture
def shard(tmp_path):
    with ShardWriter(tmp_path / "shards") as writer:
        for at in range(NUM):
            writer.write(Row(f"{at:04}", StoredContent(media=(still(at // 2),))))
    return tmp_path / "shards"


@pytest.fixture
def read(monkeypatch):
    """What was read: a name for each time."""
    counted = []
    for owner in (FileContent, ShardReader):
        original = owner.read

        def counting(self, *arguments, original=original):
            counted.append(arguments)
            return original(self, *arguments)

        monkeypatch.setattr(owner, "read", counting)
    return counted


@pytest.mark.parametrize("kind", ["files", "shards"])
def test_what_is_cached_is_not_read(tmp_path, files, shard, read, kind):
    def contents():
        return of_files(files) if kind == "files" else StoredContents(ShardReader.of_folder(shard), Decoding(), Modality.IMAGE)

    encoder = FakeEncoder()
    first = embed_contents(encoder, contents(), cache=DiskCache(tmp_path / "cache", 1, 2))
    assert (len(read), len(encoder.processor.encoded)) == (NUM, NUM // 2)  # equal ones are embedded once
    read.clear()
    again = embed_contents(encoder, contents(), cache=DiskCache(tmp_path / "cache", 1, 2))
    assert torch.equal(first, again) and len(first.unique(dim=0)) == NUM // 2
    assert (len(read), len(encoder.processor.encoded)) == (0, NUM // 2)


def test_one_content_in_two_places_is_embedded_once(files, shard):
    encoder, cache = FakeEncoder(), MemoryCache()
    first = embed_contents(encoder, of_files(files), cache=cache)
    stored = StoredContents(ShardReader.of_folder(shard), Decoding(), Modality.IMAGE)
    assert torch.equal(embed_contents(encoder, stored, cache=cache), first)
    assert len(encoder.processor.encoded) == NUM // 2


def test_a_file_that_was_written_again_is_read_again(files, read):
    encoder, cache = FakeEncoder(), MemoryCache()
    first = embed_contents(encoder, of_files(files), cache=cache)
    size, time = files[3].stat().st_size, files[3].stat().st_mtime_ns
    files[3].write_bytes(png(200).ljust(size, b"\0")[:size])
    os.utime(files[3], ns=(time + 1, time + 1))
    assert files[3].stat().st_size == size
    read.clear()
    again = embed_contents(encoder, of_files(files), cache=cache)
    assert len(read) == 1
    assert (again != first).any(dim=1).nonzero().flatten().tolist() == [3]


def test_settings_of_video_leave_the_key_of_an_image_alone(files, shard):
    one, other = Decoding(), Decoding(fps=2.0, min_frames=1, max_frames=48)
    reader = ShardReader.of_folder(shard)
    for make in (lambda decoding: of_files(files, decoding)[0], lambda decoding: StoredContents(reader, decoding, Modality.IMAGE)[0]):
        assert make(one).key == make(other).key
        assert make(one).fingerprint == make(other).fingerprint
    others = [one, other, Decoding(rule="middle"), Decoding(end_seconds=30), Decoding(start_seconds=1, end_seconds=30)]
    keys = [StoredContents(reader, decoding, Modality.TEXT | Modality.VIDEO)[0].key for decoding in others]
    assert len(set(keys)) == len(others)


def test_keys_tell_texts_files_and_samples_apart(files, shard):
    stored = StoredContents(ShardReader.of_folder(shard), Decoding(), Modality.IMAGE)
    contents = [*of_files(files), *of_files(files, text="a text"), *stored]
    assert len({content.key for content in contents}) == 3 * NUM


def test_a_text_is_known_by_its_text(files):
    (content,) = FileContents([FileContent("a text", instruction="Find it.")], ["t"], Decoding())
    assert content.key == content.fingerprint == Content("a text", instruction="Find it.").fingerprint


def test_a_file_that_is_gone_is_named(files):
    files[4].unlink()
    with pytest.raises(DataError, match=r"^4\.png \(.*4\.png\) cannot be read: No such file or directory$"):
        embed_contents(FakeEncoder(), of_files(files))


def test_fingerprints_tell_contents_apart_before_decoding():
    text = StoredContent("a text", instruction="Find it.")
    assert LazyContent.of_stored(text, Decoding(), "x").fingerprint == LazyContent.of_stored(text, Decoding(), "x").decode().fingerprint
    variants = [
        (StoredContent(media=(still(1),)), Decoding()),
        (StoredContent(media=(still(2),)), Decoding()),
        (StoredContent("text", media=(still(1),)), Decoding()),
        (StoredContent(media=(still(1),), instruction="text"), Decoding()),
        (StoredContent(media=(still(1), still(2))), Decoding()),
        (StoredContent(media=(still(2), still(1))), Decoding()),
        (StoredContent(media=(StoredMedium(Modality.VIDEO, b"clip", "mp4"),)), Decoding()),
        (StoredContent(media=(StoredMedium(Modality.VIDEO, b"clip", "mp4"),)), Decoding(max_frames=48)),
    ]
    assert len({LazyContent.of_stored(stored, decoding, "x").fingerprint for stored, decoding in variants}) == len(variants)
