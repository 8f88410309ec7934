"""Brings the modality pairs of a set to the shares asked for, by leaving rows out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unite.curation.steps.step import Collection, Drop, Verdict
from unite.errors import ConfigError, DataError, must_be
from unite.types import Modality


@dataclass(frozen=True)
class Balance:
    """Keeps the largest set in which the pairs have their shares; which rows of a pair stay is drawn by the seed.

    Attributes:
        shares: `text-to-image` -> share; they need not sum to 1. A pair with share 0, or not named, is left out. By default all pairs
            have the same.
        max_rows: of the whole set; 0 is without bound.
    """

    shares: Mapping[str, float] | None = None
    max_rows: int = 0
    columns: ClassVar[frozenset[str]] = frozenset()
    name: str = "balance"

    def __post_init__(self) -> None:
        for pair, share in (self.shares or {}).items():
            if share < 0:
                raise ConfigError(must_be(f"{self.name}.shares.{pair}", "at least 0", share))
        if self.shares is not None and sum(self.shares.values()) <= 0:
            raise ConfigError(must_be(f"{self.name}.shares", "such that one is above 0", dict(self.shares)))
        if self.max_rows < 0:
            raise ConfigError(must_be(f"{self.name}.max_rows", "0 (without bound) or more", self.max_rows))

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops a random part of each pair that has too many rows.

        Raises:
            DataError: if the set has no row of a pair that has a share; the message lists the pairs it has.
        """
        rows: dict[str, list[int]] = {}
        for row, (query, positive) in enumerate(collection.signatures.modality.tolist()):
            rows.setdefault(f"{Modality(query)}-to-{Modality(positive)}", []).append(row)
        shares = dict.fromkeys(rows, 1.0) if self.shares is None else {pair: share for pair, share in self.shares.items() if share > 0}
        missing = sorted(set(shares) - set(rows))
        if missing:
            hint = f"The pairs of the set are: {', '.join(f'{pair} ({len(of)} rows)' for pair, of in sorted(rows.items()))}."
            raise DataError(must_be(f"{self.name}.shares", "of pairs that the set has", missing, hint))
        total = sum(shares.values())
        whole = min(len(rows[pair]) * total / share for pair, share in shares.items())
        whole = min(whole, self.max_rows) if self.max_rows else whole
        verdict = Verdict()
        for pair, of in rows.items():
            # The sum of floats may fall a hair short of a whole number.
            wanted = int(whole * shares.get(pair, 0.0) / total + 1e-6)
            order = np.random.default_rng([collection.seed, *pair.encode()]).permutation(len(of))
            for row in sorted(order[wanted:].tolist()):
                verdict.drops[of[row]] = Drop("pair over its share" if pair in shares else "pair without a share", pair)
        return verdict
