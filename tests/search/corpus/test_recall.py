import numpy as np

from unite.config.schema.vectors import Vectors
from unite.search.corpus.recall import K, recall_of
from unite.search.corpus.vectors import pack, unpack


def test_recall_is_the_share_of_the_nearest_that_are_found():
    made = np.random.default_rng(0).normal(size=(80, 24)).astype(np.float32)
    exact = made / np.linalg.norm(made, axis=1, keepdims=True)
    kept = unpack(pack(exact, Vectors.binary), Vectors.binary, 24)
    found = 0
    for query in range(80):  # one by one, the query itself left out

        def nearest(candidates, query=query):
            order = np.argsort(-candidates @ exact[query], kind="stable")
            return set([place for place in order if place != query][:K])

        found += len(nearest(exact) & nearest(kept))
    assert abs(recall_of(exact, kept) - found / (80 * K)) < 1e-6
    assert recall_of(exact, exact) == 1
