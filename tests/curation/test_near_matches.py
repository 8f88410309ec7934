import numpy as np
import pytest

from unite.curation.near_matches import NearHashes


@pytest.mark.parametrize("distance", [0, 1, 4, 9, 15])
def test_banded_lookup_equals_comparing_all(distance):
    rng = np.random.default_rng(distance)
    known = rng.integers(0, 2**63, 60, dtype=np.uint64).tolist()
    index = NearHashes(distance)
    for entry, picture in enumerate(known):
        index.add(entry, picture)
    for _ in range(60):
        asked = int(known[rng.integers(60)])
        for bit in rng.choice(64, rng.integers(0, 20), replace=False).tolist():
            asked ^= 1 << bit
        assert index.like(asked) == {entry for entry, picture in enumerate(known) if bin(picture ^ asked).count("1") <= distance}
