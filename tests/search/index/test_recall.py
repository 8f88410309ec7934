"""Recall@10 against a sort of all cosines."""

import numpy as np

from tests.search.corpora import unit, write
from unite.search.index.exact import VectorsInMemory
from unite.search.index.ranking import Ranked
from unite.search.index.recall import measured


class Every:
    """Finds all but every so manieth of the nearest."""

    def __init__(self, vectors, corpus, lost):
        self.vectors, self.lost = vectors, lost
        self.rows = VectorsInMemory(corpus).rows

    def best(self, query, num, condition):
        order = np.argsort(-(self.vectors @ query), kind="stable")
        kept = np.array([place for rank, place in enumerate(order) if rank == 0 or rank % self.lost])[:num]
        return Ranked(self.rows[kept], (self.vectors @ query)[kept])


def test_of_what_misses_every_fifth_it_is_four_fifths(tmp_path):
    vectors = unit(400)
    corpus = write(tmp_path, vectors)
    found = measured(corpus, Every(vectors, corpus, 5), 30, 0)
    assert (found.recall_at_10, found.sample) == (0.8, 30)


def test_of_an_exact_search_it_is_1_among_equal_rows_too(tmp_path):
    corpus = write(tmp_path, np.repeat(unit(5), 20, axis=0))
    assert measured(corpus, VectorsInMemory(corpus), 1000, 0)[::2] == (1.0, 100)


def test_of_one_row_nothing_is_missed(tmp_path):
    corpus = write(tmp_path, unit(1))
    assert measured(corpus, VectorsInMemory(corpus), 10, 0).recall_at_10 == 1
