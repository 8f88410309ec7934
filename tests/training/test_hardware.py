import platform
import sys
from pathlib import Path

import pytest
import torch

from unite.training.hardware import hardware


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/cpuinfo")
def test_a_processor_is_called_as_the_system_calls_it():
    found = hardware(torch.device("cpu"))
    text = Path("/proc/cpuinfo").read_text()
    assert (found["device"] in text if "model name" in text else found["device"]) and found["device"] != ""
    assert (found["count"], found["threads"]) == (1, torch.get_num_threads())


def test_other_devices_by_their_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 8)
    assert hardware(torch.device("cuda:3")) == {"device": "GPU 3", "count": 8}


def test_where_the_system_does_not_tell_the_machine_is_named(monkeypatch):
    monkeypatch.setattr("unite.training.hardware.Path.read_text", lambda *_, **__: "flags: x")
    assert hardware(torch.device("cpu"))["device"] == (platform.processor() or platform.machine())
