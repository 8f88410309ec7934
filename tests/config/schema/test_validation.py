import pytest

from unite.config.schema.validation import HeldOutConfig, ValidationConfig
from unite.errors import ConfigError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0}, "validation.held_out.share must be above 0 and below 1, but is 0.*validation=none"),
        ({"share": 1.0}, "validation.held_out.share must be above 0 and below 1, but is 1.0"),
        ({"max_rows": 0}, "validation.held_out.max_rows must be at least 1, or null for no bound, but is 0"),
    ],
)
def test_what_is_held_out_has_bounds(settings, message):
    with pytest.raises(ConfigError, match=message):
        HeldOutConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"every_n_steps": -1}, "validation.every_n_steps must be at least 1, or 0 for never, but is -1"),
        ({"patience": 0}, "validation.patience must be at least 1, or null to train on, but is 0"),
        ({"suite": {}, "held_out": HeldOutConfig()}, "validation.suite must be null with validation.held_out.*Choose"),
    ],
)
def test_a_validation_has_bounds(settings, message):
    with pytest.raises(ConfigError, match=message):
        ValidationConfig(**settings)
