"""Searching a stored corpus: against plain loops over its vectors. With it `snapshot.py`, `exact.py` and `approximate.py`."""

import threading
from datetime import timedelta

import numpy as np
import pytest

from tests.search.corpora import COLUMNS, facts, rows, unit, write
from unite.config.schema.index import IndexKind, IndexOptions
from unite.config.schema.vectors import Vectors
from unite.errors import DataError
from unite.search.corpus.place import Place
from unite.search.corpus.stored import StoredCorpus
from unite.search.corpus.vectors import pack, unpack
from unite.search.index import Index, build_index
from unite.search.index.snapshot import state_of

KINDS = tuple(kind for kind in IndexKind if kind is not IndexKind.auto)


def nearest(vectors, query, k=10, keep=lambda place: True):
    """Places of the nearest, by a sort of all cosines."""
    scores = [(-float(vector @ query), place) for place, vector in enumerate(vectors) if keep(place)]
    return [place for _, place in sorted(scores)[:k]]


def places(hits):
    return [int(hit.id[1:]) for hit in hits]


@pytest.fixture(scope="module")
def vectors():
    return unit(600, clusters=40)


@pytest.fixture(scope="module", params=KINDS, ids=str)
def index(request, vectors, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write(folder, vectors)
    build_index(folder, IndexOptions(kind=request.param, sample=50))
    return Index(folder)


def test_the_nearest_are_found_with_their_scores_and_columns(index, vectors):
    query = unit(1, seed=7)[0]
    hits = index.search(query, k=5)
    assert places(hits) == nearest(vectors, query, 5)
    np.testing.assert_allclose([hit.score for hit in hits], [vectors[place] @ query for place in places(hits)], rtol=1e-5)
    first = hits[0]
    place = int(first.id[1:])
    assert first.source == f"folder/{place}.png" and first.text == f"a bird, number {place}" and first.thumbnail is None
    assert first.metadata == {"price": place % 10, "kind": "kite" if place % 2 else "crow"}


def test_filters_and_modalities_come_before_what_is_ranked(index, vectors):
    query = unit(1, seed=8)[0]
    hits = index.search(query, where="price = 3 AND kind = 'kite'", modalities=["image"], without=["r13"], k=600)
    assert places(hits) == nearest(vectors, query, 600, lambda place: place % 10 == 3 and place % 3 and place != 13)
    assert index.search(query, where="price > 100") == []


def test_more_hits_than_rows_are_all_rows(index, vectors):
    assert sorted(places(index.search(unit(1)[0], k=10_000))) == list(range(len(vectors)))
    assert index.search(unit(1)[0], k=5, offset=600) == []


def test_pages_repeat_and_lose_no_row(index):
    query = unit(1, seed=9)[0]
    pages = [hit.id for offset in range(0, 600, 30) for hit in index.search(query, "bird number 7", k=30, offset=offset)]
    assert len(pages) == len(set(pages)) == 600
    pages = [hit.id for offset in range(0, 120, 7) for hit in index.search(query, k=7, offset=offset)]
    assert pages == [hit.id for hit in index.search(query, k=126)]


@pytest.mark.parametrize("kept", list(Vectors))
def test_vectors_of_every_type_are_compared_as_they_are_kept(tmp_path, kept):
    vectors = unit(200, dim=20)
    write(tmp_path, vectors, kept)
    as_kept, query = unpack(pack(vectors, kept), kept, 20), unit(1, dim=20, seed=3)[0]
    hits = Index(tmp_path).search(query, k=20)
    np.testing.assert_allclose([hit.score for hit in hits], sorted(as_kept @ query, reverse=True)[:20], rtol=1e-5, atol=1e-6)
    assert sorted(places(hits)) == sorted(nearest(as_kept, query, 20))


def test_of_signs_the_order_is_that_of_the_hamming_distance(tmp_path):
    vectors = unit(100, dim=24)
    write(tmp_path, vectors, Vectors.binary)
    index, bits = Index(tmp_path), vectors > 0
    hits = index.search(index.embeddings(["r5"])[0], k=100)
    distances = [int((bits[place] != bits[5]).sum()) for place in places(hits)]
    assert distances == sorted(distances) and places(hits)[0] == 5
    np.testing.assert_allclose([hit.score for hit in hits], [1 - 2 * distance / 24 for distance in distances], atol=1e-6)


def test_float16_behind_an_index_scores_as_an_exact_search(tmp_path):
    vectors = unit(400, clusters=20)
    write(tmp_path, vectors, Vectors.float16)
    query, exact = unit(1, seed=4)[0], Index(tmp_path)
    wanted = exact.search(query, k=8)
    build_index(tmp_path, IndexOptions(kind=IndexKind.ivf_pq, sample=5))
    found = exact.search(query, k=8)
    assert [hit.id for hit in found] == [hit.id for hit in wanted]
    np.testing.assert_allclose([hit.score for hit in found], [hit.score for hit in wanted], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_were_added_are_found_and_removed_ones_are_not(tmp_path, kind):
    vectors = unit(300, clusters=30)
    corpus = write(tmp_path, vectors)
    build_index(tmp_path, IndexOptions(kind=kind, sample=5))
    index = Index(tmp_path)
    new = -vectors[:2]
    corpus.put(rows(new, ids=["new", "r9"], texts=["a crocodile", "changed"]))
    assert [hit.id for hit in index.search(new[0], k=1)] == ["new"] and len(index) == 301
    assert [hit.id for hit in index.search(words="crocodile")] == ["new"]
    assert index.search(new[1], k=1)[0].text == "changed"
    corpus.drop(["new", "r7"])
    found = index.search(vectors[7], k=300)
    assert {hit.id for hit in found} == {f"r{place}" for place in range(300) if place != 7}
    assert index.search(words="crocodile") == []
    corpus.optimize()
    assert "r7" not in {hit.id for hit in index.search(vectors[7], k=300)}


def test_a_corpus_may_change_while_threads_search(tmp_path):
    vectors = unit(300)
    corpus, failed = write(tmp_path, vectors), []
    index = Index(tmp_path)

    def ask():
        try:
            for place in range(40):
                hits = index.search(vectors[place], k=3, where="price >= 0")
                assert hits[0].id == f"r{place}" and abs(hits[0].score - 1) < 1e-5
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for round in range(6):
        corpus.drop([f"r{200 + round}"])
        corpus.put(rows(vectors[:1], ids=[f"new{round}"]).slice(0, 0) if round % 2 else rows(unit(1, seed=round), ids=["new"]))
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_an_empty_corpus_has_no_hits(tmp_path):
    write(tmp_path, unit(0))
    index = Index(tmp_path)
    assert len(index) == 0 and index.search(unit(1)[0]) == [] and index.search(words="bird") == [] and index.modalities == []


def test_what_cannot_be_searched_for_is_told(tmp_path):
    write(tmp_path, unit(5))
    index = Index(tmp_path)
    with pytest.raises(DataError, match="a search must be for a vector, words or both, but is 'for nothing'"):
        index.search(words="  ")
    with pytest.raises(DataError, match=r"k and offset must be at least 1 and 0, but is \(0, 0\)"):
        index.search(unit(1)[0], k=0)
    with pytest.raises(DataError, match=r"the query's vector must be of shape \(16,\), as the corpus's are, but is \(3,\)"):
        index.search(np.ones(3, np.float32))
    with pytest.raises(DataError, match=r"the query's vector must be of length 1, but is 1.99.*Divide it by its length"):
        index.search(2 * unit(1)[0])
    with pytest.raises(DataError, match=r"like must be ids of rows of .*, but is 'r77'"):
        index.embeddings(["r1", "r77"])
    with pytest.raises(DataError, match="an id must be that of a row of .*, but is 'r77'"):
        index.row("r77")
    assert index.row("r2").id == "r2" and index.row("r2").score == 1


def test_a_corpus_whose_vectors_are_of_another_encoder_now_needs_another_index(tmp_path):
    corpus = write(tmp_path, unit(300))
    build_index(tmp_path, IndexOptions(sample=5))
    corpus.note(encoder_fingerprint="beef")
    with pytest.raises(
        DataError, match=r"the encoder of the index in .* must be that of its corpus, beef, but is '0*1'. Build it again: python"
    ):
        Index(tmp_path)


@pytest.mark.filterwarnings("ignore:optimize.cleanup_older_than")
@pytest.mark.parametrize("where", ["", "price >= 0"])
def test_files_that_are_removed_while_they_are_read_are_read_from_the_next_version(tmp_path, monkeypatch, where):
    vectors = unit(50)
    corpus = write(tmp_path, vectors)
    index = Index(tmp_path)
    before = state_of(Place.of(tmp_path), corpus.table.version)
    corpus.put(rows(-vectors, ids=[f"r{place}" for place in range(50)]))
    corpus.table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
    states = [before]  # at first it does not see the change
    monkeypatch.setattr("unite.search.index.index.state_of", lambda *now: states.pop() if states else state_of(*now))
    assert index.search(-vectors[3], k=1, where=where)[0].score == pytest.approx(1, abs=1e-5) and states == []


def test_a_corpus_that_another_encoder_makes_anew_while_it_is_open_is_refused(tmp_path):
    write(tmp_path, unit(20))
    index = Index(tmp_path)
    StoredCorpus.create(tmp_path, facts(encoder=9, label="fish"), COLUMNS)
    with pytest.raises(
        DataError, match="the encoder of .* must be still birds, but is 'fish, which made it anew meanwhile'. Open it again"
    ):
        index.search(unit(1)[0])


def test_an_index_that_is_gone_or_behind_is_told_and_all_rows_are_compared(tmp_path, caplog):
    vectors = unit(300)
    corpus = write(tmp_path, vectors)
    build_index(tmp_path, IndexOptions(kind=IndexKind.ivf_pq, sample=5))
    corpus.put(rows(unit(100, seed=5), ids=[f"new{place}" for place in range(100)]))
    assert len(Index(tmp_path)) == 400
    assert "100 of 400 rows are not in the index yet, and each search compares them all: python -m unite.index corpus=" in caplog.text
    StoredCorpus(tmp_path).table.drop_index("vector_idx")
    assert places(Index(tmp_path).search(vectors[3], k=3, where="id LIKE 'r%'")) == nearest(vectors, vectors[3], 3)
    assert "is not there any more, and it is searched without: python -m unite.index corpus=" in caplog.text


def test_a_corpus_that_is_moved_while_it_is_open_is_told_and_found_again(tmp_path):
    write(tmp_path / "birds", unit(5))
    index = Index(tmp_path / "birds")
    (tmp_path / "birds").rename(tmp_path / "moved")
    for ask in (lambda: index.search(unit(1)[0]), lambda: index.columns, lambda: len(index), lambda: index.row("r0")):
        with pytest.raises(DataError, match="the corpus must be where it was opened, but is .*moved or removed"):
            ask()
    (tmp_path / "moved").rename(tmp_path / "birds")
    assert len(index.search(unit(1)[0])) == 5
