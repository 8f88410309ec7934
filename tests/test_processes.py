import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tests.training.ranks import free_port
from unite import processes
from unite.errors import ConfigError


def test_alone_there_is_no_group():
    with processes.joined_ranks("auto"):
        assert processes.num_ranks() == 1 and processes.is_first_rank()


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    message = r"the number of processes on this machine must be at most 1, one a GPU, but is 2\. .*--nproc-per-node.*device=cpu"
    with pytest.raises(ConfigError, match=message), processes.joined_ranks("auto"):
        pass


def test_what_torchrun_and_srun_say_of_a_process(monkeypatch):
    assert processes.started() is None
    slurm = {"JOB_ID": "41234", "STEP_NUM_TASKS": "8", "NTASKS_PER_NODE": "4", "PROCID": "5", "LOCALID": "1", "NTASKS": "8"}
    for name, value in slurm.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert processes.started() == processes.Started("srun", rank=5, world_size=8, local_rank=1, local_world_size=4)
    torchrun = {"TORCHELASTIC_RUN_ID": "a", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    for name, value in torchrun.items():  # within a job of SLURM, one torchrun a machine
        monkeypatch.setenv(name, value)
    assert processes.started() == processes.Started("torchrun", rank=3, world_size=4, local_rank=1, local_world_size=2)


def test_processes_of_srun_meet_at_the_first_machine_and_join_a_group(tmp_path):
    mp.start_processes(_of_srun, (free_port(), str(tmp_path)), 2, start_method="fork")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-of-2", "1-of-2"]


def _of_srun(rank, port, folder):
    slurm = {"JOB_ID": "1", "JOB_NAME": "train", "NTASKS": 2, "NTASKS_PER_NODE": 1, "STEP_NUM_TASKS": 2, "NNODES": 2, "LOCALID": 0}
    slurm |= {"PROCID": rank, "NODEID": rank, "NODELIST": "localhost,other"}
    os.environ |= {f"SLURM_{name}": str(value) for name, value in slurm.items()} | {"MASTER_PORT": str(port)}
    processes.job_store.cache_clear()
    with processes.joined_ranks("cpu"):
        Path(folder, f"{processes.rank()}-of-{processes.num_ranks()}").touch()
        dist.barrier()
