import pytest

from unite.errors import ConfigError
from unite.search.server.limits import Limits


@pytest.mark.parametrize("name", ["body_bytes", "waiting", "batch_seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_bound_is_above_0(name, value):
    with pytest.raises(ConfigError, match=rf"limits\.{name} must be above 0"):
        Limits(**{name: value})
