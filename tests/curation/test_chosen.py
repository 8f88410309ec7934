import random

import pytest

from unite.curation.chosen import Chosen, spread


def lines(num=400, source="s", step="size", reasons=("small", "long"), **more):
    return [
        {"source": source, "step": step, "key": f"{at:09d}", "record": at, "reason": reasons[at % len(reasons)], "detail": "", **more}
        for at in range(num)
    ]


def chosen(*streams):
    made = Chosen()
    for stream in streams:
        list(made.passing(stream))
    return made


def test_every_line_passes_without_what_only_the_choice_needs():
    given = lines(3, row=7, like_row=8)
    assert list(Chosen().passing(given)) == lines(3)


def test_the_choice_is_the_same_in_whatever_order_the_lines_come():
    given = lines()
    shown = chosen(given).of("s", "size")
    random.Random(1).shuffle(given)
    assert chosen(given[:300], given[300:]).of("s", "size") == shown
    assert [line["reason"] for line in shown] == ["long", "long", "small", "small"]  # every reason, and in order
    assert shown != lines()[:4]  # drawn from all, not the first


def test_each_source_and_step_has_its_own_and_one_reason_is_not_hidden_by_another():
    found = chosen(lines(500), lines(2, reasons=("rare",)), lines(9, step="media"), lines(1, source="other"))
    assert {line["reason"] for line in found.of("s", "size")} == {"small", "long", "rare"}
    assert len(found.of("s", "media")) == 4 and len(found.of("other", "size")) == 1
    assert found.of("other", "media") == []


def test_what_stands_beside_what_it_repeats_takes_the_room_of_two():
    assert len(chosen(lines(9, like="s/0")).of("s", "size")) == 3


@pytest.mark.parametrize(("num_sources", "each"), [(60, 4), (120, 2), (500, 1)])
def test_all_together_are_bounded(num_sources, each):
    found = chosen(*(lines(9, source=f"s{at}") for at in range(num_sources)))
    shown = [len(found.of(f"s{at}", "size")) for at in range(num_sources)]
    assert set(shown[:240]) == {each} and sum(shown) <= 240


def test_a_reason_for_each_row_does_not_fill_the_memory():
    found = chosen(lines(5000, reasons=tuple(f"why {at}" for at in range(5000))))
    assert {line["record"] for line in found.of("s", "size")} <= set(range(16))  # others were never held


def test_rows_are_spread_evenly():
    assert spread(list(range(100)), 4) == [12, 37, 62, 87]
    assert spread([3, 5], 4) == [3, 5] and spread([], 4) == [] and spread([1, 2], 0) == []
