"""What a pass frees is there for the next one: told by the pages that the system hands out, in a process of its own."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, torch
from unite.heap import keep_memory
torch.set_num_threads(1)
def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.zeros(4 * 2**20, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before = pages()
keep_memory()
pages()
print(before, pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of the GNU C library")
def test_what_is_freed_is_kept():
    told = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, timeout=120, check=True)
    before, after = map(int, told.stdout.split())
    assert before >= 20  # of large pages one a block
    assert after < before / 10
