import pytest
import torch

from unite import processes
from unite.errors import ConfigError


def test_alone_there_is_no_group():
    with processes.joined_ranks("auto"):
        assert processes.num_ranks() == 1 and processes.is_first_rank()


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    message = r"the number of processes on this machine must be at most 1, one a GPU, but is 2\. .*--nproc-per-node.*device=cpu"
    with pytest.raises(ConfigError, match=message), processes.joined_ranks("auto"):
        pass
