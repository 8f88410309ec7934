"""What a search varies: options with their values, and mappings of shares as points of a simplex."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

#: No share falls below it: every source is drawn from now and then.
LEAST_SHARE = 0.001


@dataclass(frozen=True)
class Choice:
    """One of a few values, as they are written on the command line."""

    values: tuple[str, ...]

    def distribution(self) -> BaseDistribution:
        """Returns what optuna draws from."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def written(self, value: Any) -> str:
        """Returns a value that was drawn, as an override has it."""
        return str(value)

    def ends(self) -> list[str]:
        """Returns the values that show whether all can be had."""
        return list(self.values)


@dataclass(frozen=True)
class Interval:
    """A number from `low` to `high`, both among them; whole where both are whole; `log` draws its logarithm."""

    low: float
    high: float
    log: bool = False

    def distribution(self) -> BaseDistribution:
        """Returns what optuna draws from."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if isinstance(self.low, int) and isinstance(self.high, int):
            return IntDistribution(self.low, self.high, log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def written(self, value: Any) -> str:
        """Returns a value that was drawn, as an override has it."""
        return str(value) if isinstance(value, int) else f"{value:.6g}"

    def ends(self) -> list[str]:
        """Returns the values that show whether all can be had."""
        inside = [] if isinstance(self.low, int) else [self.low + (self.high - self.low) / 3]  # a whole option takes 8.0 and not 10.67
        return [self.written(value) for value in (self.low, self.high, *inside)]


@dataclass(frozen=True)
class Space:
    """The space of a search.

    Attributes:
        options: option -> its values.
        simplexes: key of a mapping of shares -> the names in it, two at least.
    """

    options: Mapping[str, Choice | Interval]
    simplexes: Mapping[str, Sequence[str]]

    def distributions(self) -> dict[str, BaseDistribution]:
        """Returns name -> what optuna draws from: of an option its values, of a share the number that it comes from, see `overrides`."""
        from optuna.distributions import FloatDistribution

        drawn = {name: values.distribution() for name, values in self.options.items()}
        return drawn | {f"{key}.{name}": FloatDistribution(1e-6, 1 - 1e-6) for key, names in self.simplexes.items() for name in names}

    def overrides(self, drawn: Mapping[str, Any]) -> dict[str, str]:
        """Returns option -> value, as overrides have them, of what was drawn.

        Shares come from numbers u in (0, 1), one a name, as -ln(u) over the sum of them: uniform numbers give shares that are uniform on
        the simplex (Devroye, Non-Uniform Random Variate Generation, 1986, chapter V.2).
        """
        found = {name: values.written(drawn[name]) for name, values in self.options.items()}
        for key, names in self.simplexes.items():
            parts = [-math.log(drawn[f"{key}.{name}"]) for name in names]
            found |= {f"{key}.{name}": f"{max(part / sum(parts), LEAST_SHARE):.4f}" for name, part in zip(names, parts, strict=True)}
        return found

    def probes(self) -> Iterator[dict[str, str]]:
        """Yields points with every value of a choice, both ends of every interval and a value inside, to be checked before a trial."""
        usual = {name: values.ends()[0] for name, values in self.options.items()}
        usual |= {f"{key}.{name}": f"{1 / len(names):.4f}" for key, names in self.simplexes.items() for name in names}
        yield usual
        for name, values in self.options.items():
            yield from ({**usual, name: end} for end in values.ends()[1:])

    def told(self) -> dict[str, Any]:
        """Returns it as plain values, by which a resumed search is compared."""
        options = {name: {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(o).items()} for name, o in self.options.items()}
        return {**options, **{key: sorted(names) for key, names in self.simplexes.items()}}
