import threading

import numpy as np
import pytest

from tests.search.fake_searching import FakeSearching, vector_of
from unite.errors import DataError
from unite.search.hits import QueryPart, Search
from unite.search.server.dispatch import Dispatcher, about_tokens
from unite.search.server.limits import Limits
from unite.search.server.refusals import RefusalError

TEXTS = [{"text": letter * (place + 1)} for place, letter in enumerate("abcdefghijkl")]


class Held(FakeSearching):
    """Its first call waits until it is let go: what comes meanwhile gathers."""

    def __init__(self):
        super().__init__()
        self.begun, self.let_go = threading.Event(), threading.Event()

    def embed(self, items):
        if not self.calls and not self.begun.is_set():
            self.begun.set()
            assert self.let_go.wait(10)
        return super().embed(items)


@pytest.fixture
def held():
    searcher = Held()
    yield searcher
    searcher.let_go.set()


def dispatcher_of(searcher, **limits):
    return Dispatcher(searcher, Limits(**limits))


def test_what_waits_is_embedded_in_one_call_and_each_gets_its_own(held):
    dispatcher = dispatcher_of(held)
    first = dispatcher.embed(TEXTS[:1])
    assert held.begun.wait(10)
    futures = [dispatcher.embed(TEXTS[start : start + 2]) for start in range(1, 11, 2)]
    found = dispatcher.search(Search([QueryPart(TEXTS[11]), QueryPart({"text": "ab"}, -1.0)], k=1))
    held.let_go.set()
    np.testing.assert_array_equal(first.result(10)[0], vector_of(TEXTS[0]))
    for start, future in zip(range(1, 11, 2), futures, strict=True):
        np.testing.assert_array_equal(future.result(10), [vector_of(text) for text in TEXTS[start : start + 2]])
    assert len(found.result(10)) == 1
    assert held.calls == [1, 12]
    assert held.most_at_once == 1
    # The search was given what was embedded with the others, its weights as they were.
    (search,) = held.searches
    np.testing.assert_array_equal(search.parts[0].vector, vector_of(TEXTS[11]))
    assert [part.weight for part in search.parts] == [1.0, -1.0]
    dispatcher.close()


def test_one_that_fails_fails_alone(held):
    dispatcher = dispatcher_of(held)
    dispatcher.embed(TEXTS[:1])
    assert held.begun.wait(10)
    good, bad, also_good = (dispatcher.embed([{"text": text}]) for text in ("good", "broken", "fine"))
    held.let_go.set()
    np.testing.assert_array_equal(good.result(10), [vector_of({"text": "good"})])
    np.testing.assert_array_equal(also_good.result(10), [vector_of({"text": "fine"})])
    with pytest.raises(DataError, match="'broken' cannot be embedded"):
        bad.result(10)
    dispatcher.close()


def test_a_fault_of_a_search_is_its_own(held):
    held.search = lambda search: 1 / 0 if search.k == 1 else []
    dispatcher = dispatcher_of(held)
    bad, good = (dispatcher.search(Search([QueryPart("a")], k=k)) for k in (1, 2))
    held.let_go.set()
    assert good.result(10) == []
    with pytest.raises(ZeroDivisionError):
        bad.result(10)
    dispatcher.close()


def test_a_call_holds_no_more_tokens_than_the_bound(held):
    dispatcher = dispatcher_of(held, batch_tokens=100)
    dispatcher.embed(TEXTS[:1])
    assert held.begun.wait(10)
    # 4 letters a token, and one more: 41 tokens each, so two fit; the largest stands alone.
    futures = [dispatcher.embed([{"text": "a" * (160 if place != 2 else 4000)}]) for place in range(5)]
    held.let_go.set()
    for future in futures:
        future.result(10)
    assert held.calls == [1, 2, 1, 2]
    dispatcher.close()


def test_beyond_the_bound_it_says_so_at_once(held):
    dispatcher = dispatcher_of(held, waiting=2)
    dispatcher.embed(TEXTS[:1])
    assert held.begun.wait(10)
    waiting = [dispatcher.embed(TEXTS[:1]) for _ in range(2)]
    with pytest.raises(RefusalError, match="2 requests wait already") as refusal:
        dispatcher.embed(TEXTS[:1])
    assert (refusal.value.status, refusal.value.headers) == (503, {"Retry-After": "1"})
    held.let_go.set()
    assert [len(future.result(10)) for future in waiting] == [1, 1]
    dispatcher.close()


def test_what_nobody_waits_for_any_more_is_left_out(held):
    dispatcher = dispatcher_of(held)
    dispatcher.embed(TEXTS[:1])
    assert held.begun.wait(10)
    left, kept = dispatcher.embed(TEXTS[:5]), dispatcher.embed(TEXTS[:2])
    assert left.cancel()
    held.let_go.set()
    kept.result(10)
    assert held.calls == [1, 2]
    dispatcher.close()


def test_closing_answers_what_waits_and_takes_no_more(held):
    dispatcher = dispatcher_of(held)
    futures = [dispatcher.embed(TEXTS[:1]) for _ in range(4)]
    assert held.begun.wait(10)
    closing = threading.Thread(target=dispatcher.close)
    closing.start()
    held.let_go.set()
    closing.join(10)
    assert [len(future.result(0)) for future in futures] == [1] * 4
    with pytest.raises(RefusalError, match="is ending"):
        dispatcher.embed(TEXTS[:1])


def test_a_call_that_does_not_end_does_not_keep_the_server_from_ending(held):
    dispatcher = dispatcher_of(held, shutdown_seconds=0.05)
    dispatcher.embed(TEXTS[:1])
    assert held.begun.wait(10)
    dispatcher.close()
    with pytest.raises(RefusalError, match="is ending"):
        dispatcher.embed(TEXTS[:1])


def test_a_search_by_words_alone_embeds_nothing():
    searcher = FakeSearching()
    dispatcher = dispatcher_of(searcher)
    assert [hit.id for hit in dispatcher.search(Search(words="dog")).result(10)] == ["row-1"]
    assert searcher.calls == []
    dispatcher.close()


def test_media_count_more_than_words():
    assert about_tokens({"text": "a" * 40, "instruction": ""}) == 11
    assert about_tokens({"image": [b"", b""], "text": ""}) == 2 * 256 + 1


class PanicError(BaseException):
    """As pyo3's PanicException: no Exception."""


@pytest.mark.parametrize("method", ["embed", "search"])
def test_a_panic_fails_its_request_and_no_other(monkeypatch, method):
    searcher = FakeSearching()
    dispatcher = dispatcher_of(searcher)

    def panic(*arguments):
        raise PanicError("index out of bounds")

    with monkeypatch.context() as patch:
        patch.setattr(searcher, method, panic)
        with pytest.raises(RuntimeError, match="index out of bounds"):
            dispatcher.search(Search([QueryPart(TEXTS[0])])).result(10)
    assert len(dispatcher.search(Search([QueryPart(TEXTS[0])])).result(10)) == 2
    dispatcher.close()
