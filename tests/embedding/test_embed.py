"""The order, the budget and the names of what is embedded, the cache of `memory.py` and the tokenising of `texts.py`."""

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_encoder import FakeEncoder, image
from unite.config.schema.media import Decoding
from unite.data.rows import StoredContent
from unite.embedding.embed import BUDGETS_PER_WINDOW, DECODED_AHEAD, embed_contents
from unite.embedding.lazy import LazyContent
from unite.embedding.memory import MemoryCache
from unite.embedding.texts import TEXTS_TOGETHER
from unite.errors import ConfigError, DataError
from unite.types import Content

CONTENTS = [Content(text="x" * length) for length in (5, 40, 3, 17, 2, 8)] + [
    Content(media=(image(7),)),
    Content(text="a", media=(image(9),)),
]


def one_by_one(contents):
    encoder = FakeEncoder().eval()
    with torch.no_grad():
        return torch.cat([encoder(encoder.processor.pad([encoder.processor.encode(content)], [0])) for content in contents])


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(CONTENTS))), token_budget=st.integers(1, 200))
def test_neither_order_nor_budget_changes_an_embedding(order, token_budget):
    contents = [CONTENTS[at] for at in order]
    embeddings = embed_contents(FakeEncoder(), iter(contents), token_budget=token_budget)
    assert embeddings.dtype == torch.float32
    assert (embeddings - one_by_one(contents)).abs().max() < 1e-6


def test_micro_batches_hold_the_budget_and_a_larger_content_stands_alone(encoder):
    embed_contents(encoder, CONTENTS, token_budget=20)
    assert (1, 41) in encoder.shapes
    assert all(rows * length <= 20 or rows == 1 for rows, length in encoder.shapes)
    assert len(encoder.shapes) < len(CONTENTS)


def test_what_all_begin_with_is_told_the_encoder_and_counts_once(encoder, monkeypatch):
    """Bytes are tokens here. Of a content of which little is saved, none is."""
    told = []
    forward = encoder.forward
    monkeypatch.setattr(encoder, "forward", lambda micro_batch: told.append(micro_batch) or forward(micro_batch))
    contents = [Content(end, instruction="ab") for end in ("", "c", "d", "e", "f", "", "g")]
    embeddings = embed_contents(encoder, contents, token_budget=9)
    assert (embeddings - one_by_one(contents)).abs().max() < 1e-6
    assert {micro_batch.shared for micro_batch in told if len(micro_batch.contents) > 1} == {2}
    told.clear()
    embed_contents(encoder, [*contents, Content("h" * 90, instruction="ab")], token_budget=400)
    assert {tuple(micro_batch.input_ids.shape): micro_batch.shared for micro_batch in told} == {(1, 93): 0, (6, 4): 2}


def test_equal_contents_are_embedded_once_in_the_order_they_came(encoder):
    a, b = Content(text="a"), Content(text="b")
    embeddings = embed_contents(encoder, [a, b, Content(text="a", group="other"), b, a])
    assert sorted(encoder.processor.encoded) == ["a", "b"]
    assert torch.equal(embeddings, embeddings[[0, 1, 0, 1, 0]])
    assert not torch.equal(embeddings[0], embeddings[1])


def test_another_instruction_is_another_content(encoder):
    embeddings = embed_contents(encoder, [Content(text="a"), Content(text="a", instruction="find")])
    assert not torch.equal(embeddings[0], embeddings[1])


def test_holds_no_more_than_a_window_and_what_is_decoded_ahead(encoder):
    embedded_when_drawn = []

    def contents():
        for at in range(200):
            embedded_when_drawn.append(len(encoder.shapes))
            yield Content(text=f"{at:03}-------")

    embed_contents(encoder, contents(), token_budget=11)  # each of these fills a budget
    held = [drawn - embedded for drawn, embedded in enumerate(embedded_when_drawn)]
    assert max(held) == DECODED_AHEAD + BUDGETS_PER_WINDOW - 1
    assert len(encoder.shapes) == 200


def test_training_mode_is_restored_even_after_an_error(encoder):
    encoder.train()
    embed_contents(encoder, CONTENTS)
    assert encoder.training
    with pytest.raises(DataError):
        embed_contents(encoder, [Content(text="nan")])
    assert encoder.training


def test_nan_embeddings_are_named(encoder):
    contents = [Content(text="fine"), Content(text="a nan"), Content(text="two nans")]
    with pytest.raises(DataError, match=r"embeddings must be finite, but is 'NaN or infinite for 2 contents: q7, q8'"):
        embed_contents(encoder, contents, ids=["q6", "q7", "q8"])
    with pytest.raises(DataError, match="2 contents: content 1, content 2"):
        embed_contents(encoder, contents)


def test_what_cannot_be_encoded_is_named_and_what_lost_its_end_counted(encoder, monkeypatch, caplog):
    encode = encoder.processor.encode

    def refusing(content):
        if content.text == "refuse":
            raise DataError("it is refused.")
        return replace(encode(content), is_cut="long" in content.text)

    monkeypatch.setattr(encoder.processor, "encode", refusing)
    embed_contents(encoder, [Content("a"), Content("long"), Content("a"), Content("longer")], ids=["q0", "q1", "q2", "q3"])
    assert caplog.messages == [
        "2 of 3 embedded contents hold a text that is longer than encoder.max_length: its end is not read. The first is q1."
    ]
    with pytest.raises(DataError, match="^q1 cannot be embedded: it is refused.$"):
        embed_contents(encoder, [Content("a"), Content("refuse")], ids=["q0", "q1"])
    for wrong, message in ((Content("half \ud83d"), "content 1"), (Content("refuse"), "content 1")):
        with pytest.raises(DataError, match=f"^{message} cannot be embedded: "):
            embed_contents(encoder, [Content("a"), wrong])
    stored = LazyContent.of_stored(StoredContent("refuse"), Decoding(), "shard/key")
    with pytest.raises(DataError, match="^shard/key cannot be embedded: it is refused.$"):
        embed_contents(encoder, [stored], ids=["q0"])


def test_progress_counts_every_content_once(encoder):
    counts = []
    embed_contents(encoder, [*CONTENTS, *CONTENTS], token_budget=4, on_progress=counts.append)
    assert sum(counts) == 2 * len(CONTENTS)


def test_a_cache_spares_the_encoder(encoder):
    cache = MemoryCache()
    first = embed_contents(encoder, CONTENTS[:4], cache=cache)
    encoder.processor.encoded.clear()
    again = embed_contents(encoder, CONTENTS[:6], cache=cache)
    assert encoder.processor.encoded == [content.text for content in CONTENTS[4:6]]
    assert torch.equal(first, again[:4])


def test_bad_input(encoder):
    with pytest.raises(DataError, match="the contents to embed must be at least one, but is 0"):
        embed_contents(encoder, [])
    with pytest.raises(ConfigError, match="token_budget must be at least 1, but is 0"):
        embed_contents(encoder, CONTENTS, token_budget=0)


def test_texts_are_encoded_together_and_one_that_cannot_be_is_named(encoder, monkeypatch):
    encode, sizes = encoder.processor.encode, []

    def strict(content):
        if content.text == "bad":
            raise DataError("it is bad.")
        return encode(content)

    def begin_texts(contents, threads):
        sizes.append(len(contents))
        return threads.submit(lambda: [strict(content) for content in contents]).result

    monkeypatch.setattr(encoder.processor, "encode", strict)
    monkeypatch.setattr(encoder.processor, "begin_texts", begin_texts, raising=False)
    contents = [*CONTENTS, *(Content(f"text {number}") for number in range(TEXTS_TOGETHER))]
    assert (embed_contents(encoder, contents) - one_by_one(contents)).abs().max() < 1e-6
    assert sizes == [TEXTS_TOGETHER, 6]
    with pytest.raises(DataError, match="content 1 cannot be embedded: it is bad"):
        embed_contents(encoder, [Content("good"), Content("bad")])
