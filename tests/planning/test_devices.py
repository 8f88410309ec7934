import pytest

from unite.errors import ConfigError
from unite.planning.devices import Device, device_of


def test_a_known_device_and_one_that_is_told():
    assert device_of("h100") == Device(80e9, 989e12)
    assert device_of("h100", memory_gb=64) == Device(64e9, 989e12)
    assert device_of("mine", 10, 20) == Device(10e9, 20e12)


def test_an_unknown_device_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"plan.device must be one of .*h100.* Of another give plan.memory_gb.* Did you mean 'h100'"):
        device_of("h10", memory_gb=80)
