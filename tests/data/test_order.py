from collections import Counter

import pytest

from unite.data.order import MixtureOrder, SourceSize, shares_by_temperature
from unite.errors import ConfigError

SIZES = {"a": SourceSize(40, 4), "b": SourceSize(30, 1), "c": SourceSize(7, 1)}
SHARES = {"a": 2.0, "b": 1.0, "c": 1.0}
# Written down when the order was: a run that is resumed by a later release must see the same samples.
ORDER_AT_0 = [("b", row) for row in (19, 25, 20, 16)] + [("a", row) for row in (12, 13, 14, 15)]
ORDER_AT_0 += [("c", row) for row in (4, 2, 0, 3)] + [("b", row) for row in (2, 27, 17, 29)]
ORDER_AT_1000 = [("b", 23), ("a", 28), ("c", 2), ("a", 20)]


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


@pytest.mark.parametrize(("seed", "run_length"), [(0, 4), (1, 4), (2, 8)])
def test_an_epoch_ends_before_any_row_comes_twice(seed, run_length):
    stream = order(seed, run_length=run_length)
    seen = set()
    for step in range(stream.steps_an_epoch):
        batch = set(stream.batch(step))
        assert len(batch) == 16 and not batch & seen
        seen |= batch
    following = stream.batch(stream.steps_an_epoch)
    assert len(set(following) | seen) < len(following) + len(seen)


def test_an_epoch_may_end_before_its_first_step():
    assert MixtureOrder({"a": SourceSize(1000), "b": SourceSize(2)}, {"a": 1, "b": 1}, 16, 1).steps_an_epoch == 0


def test_long_epochs_are_counted_in_pieces(monkeypatch):
    whole = order().steps_an_epoch
    monkeypatch.setattr("unite.data.order.CHUNK", 3)
    assert order().steps_an_epoch == whole > 0


def test_shares_by_temperature():
    sizes = {"a": SourceSize(900), "b": SourceSize(100)}

    def shares(temperature):
        return MixtureOrder(sizes, shares_by_temperature(sizes, temperature), 8).shares

    assert shares(1) == pytest.approx({"a": 0.9, "b": 0.1})
    assert shares(2) == pytest.approx({"a": 0.75, "b": 0.25})  # square roots: 30 to 10
    assert shares(1e9) == pytest.approx({"a": 0.5, "b": 0.5})
    assert shares_by_temperature(sizes, 1e-3)["b"] == 0.0  # no overflow
    for temperature in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="mixture.temperature must be above 0, but is"):
            shares_by_temperature(sizes, temperature)


def test_upsampling_is_against_the_average_row():
    stream = order()  # 40, 30 and 7 rows by shares of 2, 1 and 1
    assert stream.upsampling() == pytest.approx({"a": 0.5 / (40 / 77), "b": 0.25 / (30 / 77), "c": 0.25 / (7 / 77)})


def test_the_order_of_earlier_releases_holds():
    assert order().batch(0) == ORDER_AT_0 and order(seed=3).batch(1000)[::4] == ORDER_AT_1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shares": {**SHARES, "a": -1}}, r"mixture.shares.a must be above 0, but is -1"),
        ({"shares": {**SHARES, "a": float("inf")}}, r"mixture.shares.a must be above 0, but is inf"),
        ({"shares": {**SHARES, "a": float("nan")}}, r"mixture.shares.a must be above 0, but is nan"),
        ({"shares": {**SHARES, "x": 1}}, r"a name in mixture.shares must be one of a, b, c, but is 'x'"),
        ({"shares": {"a": 1}}, r"mixture.shares must be a share for every source \(a, b, c\), but is \['a'\]"),
        ({"batch_size": 1, "run_length": 1}, r"data.batch_size must be at least 2, but is 1.*no negatives"),
        ({"batch_size": 1}, r"data.batch_size must be at least 2, but is 1"),
        ({"run_length": 0}, r"mixture.run_length must be at least 1, but is 0"),
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
