import io
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from tests.fake_encoder import image
from unite.config.schema import SuiteConfig
from unite.config.schema.media import Decoding
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardReader
from unite.data.tasks import write_task
from unite.embedding.embed import MemoryCache, embed_contents
from unite.embedding.lazy import LazyContent
from unite.errors import DataError
from unite.evaluation.diagnosis import diagnose
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import RetrievalTask
from unite.types import Content, Modality


def png(brightness: int) -> StoredMedium:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), brightness, dtype=np.uint8)).save(file, "PNG")
    return StoredMedium(Modality.IMAGE, file.getvalue(), "png")


def write(folder, num=50, broken=(), **changes):
    """Texts to images; more rows than are decoded ahead."""
    fields = {
        "name": "text_to_image",
        "queries": [Row(f"q{at}", StoredContent(f"shade {at}", instruction="Find the image.")) for at in range(num)],
        "candidates": [
            Row(f"c{at}", StoredContent(media=(StoredMedium(Modality.IMAGE, b"no image", "png") if at in broken else png(at),)))
            for at in range(num)
        ],
        "relevance": {f"q{at}": {f"c{at}": 1} for at in range(num)},
        "query_modality": Modality.TEXT,
        "candidate_modality": Modality.IMAGE,
    }
    write_task(folder, **{**fields, **changes})
    return folder


def test_a_stored_task_gives_the_metrics_of_the_same_task_in_memory(encoder, tmp_path):
    stored = RetrievalTask.of_folder(write(tmp_path / "task"))
    assert stored.pair == "text->image"
    assert stored.query_ids[:2] == ["q0", "q1"]
    assert [int(content.decode().media[0].frames.mean()) for content in stored.candidates] == list(range(50))
    assert [content.decode().instruction for content in stored.queries] == ["Find the image."] * 50
    in_memory = RetrievalTask(
        name="text_to_image",
        query_ids=stored.query_ids,
        queries=[Content(f"shade {at}", instruction="Find the image.") for at in range(50)],
        candidate_ids=stored.candidate_ids,
        candidates=[Content(media=(image(at),)) for at in range(50)],
        relevance=stored.relevance,
        query_modality=Modality.TEXT,
        candidate_modality=Modality.IMAGE,
    )
    results = [Suite(SuiteConfig(name="s", tasks={"t": task})).run(encoder).metrics() for task in (stored, in_memory)]
    assert results[0] == results[1]


def test_only_what_is_new_is_decoded(encoder, tmp_path, monkeypatch):
    decoded = []
    original = LazyContent.decode
    monkeypatch.setattr(LazyContent, "decode", lambda self: decoded.append(self.name) or original(self))
    task = RetrievalTask.of_folder(
        write(tmp_path / "task", candidates=[Row(f"c{at}", StoredContent(media=(png(at % 5),))) for at in range(50)])
    )
    cache = MemoryCache()
    first = embed_contents(encoder, task.candidates, cache=cache)
    assert sorted(decoded) == [f"shard-000000.tar/c{at}" for at in range(5)]
    assert torch.equal(first, first[:5].repeat(10, 1))
    decoded.clear()
    assert torch.equal(embed_contents(encoder, task.candidates, cache=cache), first)
    assert decoded == []


def test_a_task_whose_embeddings_are_cached_reads_nothing(encoder, tmp_path, monkeypatch):
    """Neither to rank it nor to say which data it is."""
    write(tmp_path / "task")
    cache, suite, read = MemoryCache(), Suite(SuiteConfig(name="s", tasks={"t": str(tmp_path / "task")}, diagnose=True)), []
    first = suite.run(encoder, cache=cache)
    diagnose(suite, partial(embed_contents, encoder, cache=cache), cache)
    monkeypatch.setattr(ShardReader, "read", lambda self, at: read.append(at))
    again = suite.run(encoder, cache=cache)
    assert again.tasks["t"].data == first.tasks["t"].data and again.metrics() == first.metrics()
    diagnose(suite, partial(embed_contents, encoder, cache=cache), cache)
    assert read == []


def test_fingerprints_tell_contents_apart_before_decoding():
    text = StoredContent("a text", instruction="Find it.")
    assert LazyContent.of_stored(text, Decoding(), "x").fingerprint == LazyContent.of_stored(text, Decoding(), "x").decode().fingerprint
    variants = [
        (StoredContent(media=(png(1),)), Decoding()),
        (StoredContent(media=(png(2),)), Decoding()),
        (StoredContent("text", media=(png(1),)), Decoding()),
        (StoredContent(media=(png(1),), instruction="text"), Decoding()),
        (StoredContent(media=(png(1), png(2))), Decoding()),
        (StoredContent(media=(png(2), png(1))), Decoding()),
        (StoredContent(media=(StoredMedium(Modality.VIDEO, b"clip", "mp4"),)), Decoding()),
        (StoredContent(media=(StoredMedium(Modality.VIDEO, b"clip", "mp4"),)), Decoding(max_frames=48)),
    ]
    assert len({LazyContent.of_stored(stored, decoding, "x").fingerprint for stored, decoding in variants}) == len(variants)


def test_metadata_give_kind_and_metrics_and_a_folder_is_found_below_the_root(encoder, tmp_path):
    pools = {f"q{at}": [f"c{(at + step) % 50}" for step in range(8)] for at in range(50)}
    write(tmp_path / "spatial", pools=pools, metadata={"kind": "subset"})
    write(tmp_path / "named", metadata={"metrics": "hit@1, map"})
    result = Suite(SuiteConfig(name="s", tasks={"spatial": "spatial", "named": "named"}, data_root=tmp_path)).run(encoder)
    assert result.tasks["spatial"].kind == "subset"
    assert result.tasks["spatial"].pool_size == "8"
    assert list(result.tasks["spatial"].metrics) == ["recall@1", "recall@5", "mrr"]
    assert list(result.tasks["named"].metrics) == ["hit@1", "map"]


def test_a_medium_that_cannot_be_decoded_is_named(encoder, tmp_path):
    task = RetrievalTask.of_folder(write(tmp_path / "task", broken=(3,)), Decoding())
    with pytest.raises(DataError, match=r"c3 cannot be embedded: the image cannot be decoded"):
        Suite(SuiteConfig(name="s", tasks={"t": task})).run(encoder)
