"""Pages and fusion against loops that are too simple to be wrong."""

import numpy as np

from unite.search.index.ranking import Ranked, fused, page


def of(*rows):
    """A ranking of these rows."""
    return lambda num: Ranked(np.array(rows[:num], np.uint64), np.linspace(1, 0, len(rows))[:num].astype(np.float32))


def test_a_row_stands_by_its_places_in_all_rankings():
    found = fused([of(7, 3, 5), of(5, 7, 9)])(10)
    expected = {7: 1 / 61 + 1 / 62, 5: 1 / 63 + 1 / 61, 3: 1 / 62, 9: 1 / 63}
    assert found.rows.tolist() == sorted(expected, key=expected.get, reverse=True)
    np.testing.assert_allclose(found.scores, sorted(expected.values(), reverse=True), rtol=1e-6)


def test_of_equal_places_the_row_that_was_stored_first_comes_first():
    assert fused([of(9, 4), of(4, 9)])(2).rows.tolist() == [4, 9]


def test_pages_are_slices_of_one_list_though_a_larger_pool_changes_the_order():
    def fickle(num):
        rows = range(99 + num, 99, -1)
        return Ranked(np.array(rows, np.uint64), np.zeros(num, np.float32))

    pages = [row for offset in range(0, 600, 7) for row in page(fickle, offset, 7).rows.tolist()]
    assert len(pages) == len(set(pages)) == 602
    assert pages[:32] == list(range(131, 99, -1))


def test_a_page_behind_the_last_row_is_empty():
    assert page(of(1, 2, 3), 2, 5).rows.tolist() == [3]
    assert page(of(1, 2, 3), 3, 5).rows.tolist() == page(of(), 0, 5).rows.tolist() == []
