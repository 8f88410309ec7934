"""What the system's files tell, made up."""

import pytest
import torch

from unite.free_memory import free_memory

CPU = torch.device("cpu")


def written(root, **files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_machine_has_what_is_available(tmp_path):
    written(tmp_path, **{"proc/meminfo": "MemTotal: 99 kB\nMemAvailable:   3000 kB\n"})
    assert free_memory(CPU, tmp_path) == 3000 * 1024


@pytest.mark.parametrize("limited", ["", "job", "job/step"])
def test_of_a_control_group_what_is_left_below_the_lowest_limit(tmp_path, limited):
    groups = dict.fromkeys(("", "job", "job/step"), ("9" * 12, "0", "inactive_file 0\n"))
    groups[limited] = ("1000000", "300000", "anon 5\ninactive_file 20000\n")
    groups["job/step/deeper"] = ("max", "7", "")
    written(tmp_path, **{"proc/meminfo": "MemAvailable: 3000 kB\n", "proc/self/cgroup": "0::/job/step/deeper\n"})
    for name, texts in groups.items():
        for file, text in zip(("memory.max", "memory.current", "memory.stat"), texts, strict=True):
            written(tmp_path, **{f"sys/fs/cgroup/{name}/{file}": text})
    assert free_memory(CPU, tmp_path) == 1000000 - 300000 + 20000


def test_of_the_first_version_of_groups_too_and_within_a_container(tmp_path):
    of_group = "sys/fs/cgroup/memory/memory."
    written(
        tmp_path,
        **{
            "proc/meminfo": "MemAvailable: 3000 kB\n",
            "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/docker/name-outside\n",
            f"{of_group}limit_in_bytes": "2000000",
            f"{of_group}usage_in_bytes": "500000",
            f"{of_group}stat": "inactive_file 1\ntotal_inactive_file 1000\n",
        },
    )
    assert free_memory(CPU, tmp_path) == 2000000 - 500000 + 1000


def test_nothing_is_known_of_other_devices_and_of_a_system_without_such_files(tmp_path):
    assert free_memory(torch.device("meta")) == free_memory(CPU, tmp_path) == float("inf")


def test_this_machine_has_some():
    assert 1e7 < free_memory(CPU) < 1e14
