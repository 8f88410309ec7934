import math

import numpy as np
import pytest
from scipy import stats

from unite.sweeps.space import LEAST_SHARE, Choice, Interval, Space

SPACE = Space(
    {"objective": Choice(("infonce", "mamcl")), "lr": Interval(1e-4, 1e-2, log=True), "steps": Interval(2, 9)},
    {"mixture.shares": ["t2i", "t2v", "t2t"]},
)


def drawn(**shares):
    return {"objective": "mamcl", "lr": 0.00123456789, "steps": 7} | {f"mixture.shares.{name}": u for name, u in shares.items()}


def test_what_was_drawn_is_written_as_overrides():
    written = SPACE.overrides(drawn(t2i=math.exp(-1), t2v=math.exp(-2), t2t=math.exp(-5)))
    assert written == {
        "objective": "mamcl",
        "lr": "0.00123457",
        "steps": "7",
        "mixture.shares.t2i": "0.1250",
        "mixture.shares.t2v": "0.2500",
        "mixture.shares.t2t": "0.6250",
    }


def test_shares_are_uniform_on_the_simplex():
    """Each is then distributed as Beta(1, n - 1)."""
    random = np.random.default_rng(0)
    shares = [
        [float(value) for key, value in SPACE.overrides(drawn(t2i=a, t2v=b, t2t=c)).items() if key.startswith("mixture")]
        for a, b, c in random.uniform(1e-6, 1 - 1e-6, (2000, 3))
    ]
    assert np.allclose(np.sum(shares, axis=1), 1, atol=3 * LEAST_SHARE)
    for share in np.transpose(shares):
        assert stats.kstest(share, stats.beta(1, 2).cdf).pvalue > 0.01


def test_no_share_is_zero():
    written = SPACE.overrides(drawn(t2i=1 - 1e-6, t2v=0.5, t2t=0.5))
    assert float(written["mixture.shares.t2i"]) == LEAST_SHARE


def test_whole_ends_give_whole_numbers_and_a_logarithm_is_drawn_as_one():
    kinds = {name: type(kind).__name__ for name, kind in SPACE.distributions().items()}
    shares = {f"mixture.shares.{name}": "FloatDistribution" for name in ("t2i", "t2v", "t2t")}
    assert kinds == {"objective": "CategoricalDistribution", "lr": "FloatDistribution", "steps": "IntDistribution", **shares}
    assert SPACE.distributions()["lr"].log and not SPACE.distributions()["steps"].log


def test_every_choice_both_ends_and_a_value_between_are_probed():
    probes = list(SPACE.probes())
    for name, values in {"objective": {"infonce", "mamcl"}, "lr": {"0.0001", "0.0034", "0.01"}, "steps": {"2", "9"}}.items():
        assert {probe[name] for probe in probes} == values
    assert all(probe["mixture.shares.t2t"] == "0.3333" for probe in probes)


@pytest.mark.parametrize("other", [Interval(1e-4, 1e-1, log=True), Choice(("0.1",))])
def test_another_space_is_told_apart(other):
    assert SPACE.told() != Space({**SPACE.options, "lr": other}, SPACE.simplexes).told()
    assert SPACE.told() == Space(dict(reversed(SPACE.options.items())), SPACE.simplexes).told()
