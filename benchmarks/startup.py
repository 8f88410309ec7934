"""How soon a command answers, in seconds of processor time: `python benchmarks/startup.py [--quick]`.

The numbers are user time of a child process, which other work on the machine moves less than the clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

#: key -> a command that answers before anything heavy is imported, and the exit status expected.
ANSWERS = {
    "startup_help_seconds": (["unite.train", "--help"], 0),
    "startup_config_error_seconds": (["unite.train", "encoder.typo=1"], 1),
    "startup_value_error_seconds": (["unite.train", "data.batch_size=many"], 1),
    "startup_curate_help_seconds": (["unite.curate", "--help"], 0),
    "startup_path_error_seconds": (["unite.evaluate", "checkpoint=runs/no/such"], 1),
    "startup_init_from_error_seconds": (["unite.train", "init_from=runs/no/such"], 1),
    "startup_several_errors_seconds": (["unite.train", "data.token_budget=9", "export=best", "mixture.run_length=5"], 1),
    "startup_choice_error_seconds": (["unite.train", "suite=null"], 1),
    "startup_curate_target_error_seconds": (["unite.curate", "out=set", "+step@steps.short=text_length", "+steps.short.min_wordz=1"], 1),
    "startup_curate_recipe_error_seconds": (
        ["unite.curate", "out=set", "+recipe@recipes.r=mmeb", "recipes.r.annotations=x", "+recipes.r.foo=1"],
        1,
    ),
    "startup_layout_error_seconds": (["unite.evaluate", "checkpoint=x", "suite=coco", "+suite.tasks.coco_t2i.splitt=test"], 1),
}


def run(quick: bool) -> dict[str, float]:
    """Returns the median over a few runs of each answer, in seconds of user time."""
    with tempfile.TemporaryDirectory() as folder:
        return {key: _median([_user_seconds(*answer, folder) for _ in range(1 if quick else 5)]) for key, answer in ANSWERS.items()}


def _user_seconds(arguments: list[str], expected: int, folder: str) -> float:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {output.decode()[-2000:]}")
    return usage.ru_utime


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    print(json.dumps(run("--quick" in sys.argv), indent=2))
