from collections import Counter

import pytest

from unite.data.order import MixtureOrder, SourceSize
from unite.errors import ConfigError

SIZES = {"a": SourceSize(40, 4), "b": SourceSize(30, 1), "c": SourceSize(7, 1)}
SHARES = {"a": 2.0, "b": 1.0, "c": 1.0}


def order(seed=0, batch_size=16, run_length=4, **shares):
    return MixtureOrder(SIZES, {**SHARES, **shares}, batch_size, run_length, seed)


def test_a_step_is_the_same_however_it_is_reached():
    walked = order()
    expected = [walked.batch(step) for step in range(50)]
    jumped = order()
    assert [jumped.batch(step) for step in (49, 3, 3, 20, 0)] == [expected[step] for step in (49, 3, 3, 20, 0)]


def test_another_seed_is_another_order():
    assert order(seed=0).batch(0) != order(seed=1).batch(0)


def test_every_row_of_a_source_comes_once_an_epoch():
    stream = order()
    rows = [row for step in range(400) for name, row in stream.batch(step) if name == "a"]
    for epoch in range(len(rows) // 40):
        assert sorted(rows[epoch * 40 : epoch * 40 + 40]) == list(range(40))
    assert rows[:40] != rows[40:80]


def test_shares_hold_from_the_first_steps_on():
    stream = order()
    for steps in (10, 100):
        counts = Counter(name for step in range(steps) for name, _ in stream.batch(step))
        total = sum(counts.values())
        for name, share in {"a": 0.5, "b": 0.25, "c": 0.25}.items():
            assert abs(counts[name] - share * total) <= 4 * 4  # within a few runs of 4


def test_neighbours_stay_together_and_runs_are_of_one_source():
    batch = order().batch(5)
    for start in range(0, 16, 4):
        run = batch[start : start + 4]
        assert len({name for name, _ in run}) == 1
        if run[0][0] == "a":
            rows = [row for _, row in run]
            assert rows == list(range(rows[0], rows[0] + 4)) and rows[0] % 4 == 0


def test_epochs_count_what_was_served():
    stream = order()
    served = Counter(name for step in range(33) for name, _ in stream.batch(step))
    assert order().epochs(33) == pytest.approx({name: served[name] / SIZES[name].num_rows for name in SIZES})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shares": {**SHARES, "a": -1}}, r"mixture.shares.a must be above 0, but is -1"),
        ({"shares": {**SHARES, "x": 1}}, r"a name in mixture.shares must be one of a, b, c, but is 'x'"),
        ({"shares": {"a": 1}}, r"mixture.shares must be a share for every source \(a, b, c\), but is \['a'\]"),
        ({"batch_size": 1, "run_length": 1}, r"data.batch_size must be at least 2, but is 1.*no negatives"),
        ({"batch_size": 18}, r"data.batch_size must be a multiple of mixture.run_length \(4\), but is 18"),
        ({"run_length": 2}, r"mixture.run_length must be a multiple of the neighbours of source a \(4\), but is 2"),
        ({"sizes": {}, "shares": {}}, r"mixture.sources must be at least one source"),
    ],
)
def test_bad_mixtures_are_refused(change, message):
    sizes = change.pop("sizes", SIZES)
    if change.get("batch_size") == 1:
        sizes = {name: SourceSize(size.num_rows) for name, size in SIZES.items()}
    arguments = {"sizes": sizes, "shares": SHARES, "batch_size": 16, "run_length": 4} | change
    with pytest.raises(ConfigError, match=message):
        MixtureOrder(**arguments)
