import numpy as np
import pytest

from tests.search.corpora import unit
from unite.errors import DataError
from unite.search.index.query import combined


def test_parts_are_added_by_their_weights_and_the_sum_has_length_1():
    first, second = np.eye(2, dtype=np.float32)
    np.testing.assert_allclose(combined(np.stack([first, second]), [3, -4]), [0.6, -0.8], rtol=1e-6)
    np.testing.assert_allclose(combined(first[None], [0.1]), first)
    np.testing.assert_allclose(combined(first[None], [-2]), -first)


def test_parts_that_cancel_each_other_out_are_refused():
    vectors = unit(3)
    for parts, weights in ((vectors[[0, 0]], [1, -1]), (vectors[[1, 2, 1, 2]], [1e-3, 5, -1e-3, -5])):
        with pytest.raises(
            DataError, match="the sum of a query's parts must be a direction, but is .*they cancel each other out.* Change a weight"
        ):
            combined(parts, weights)


def test_what_is_no_query_is_refused():
    with pytest.raises(DataError, match="the weights of a query must be one of each part, but is '1 of 2'"):
        combined(unit(2), [1.0])
    with pytest.raises(DataError, match="the parts of a query must be finite embeddings"):
        combined(np.full((1, 3), np.nan, np.float32), [1.0])
