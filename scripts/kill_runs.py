"""Kills a run at random moments of every phase, goes on with it, and compares: `python scripts/kill_runs.py [moments]`.

Every run must see the samples of the one that nothing disturbed and export the same bytes, with 0 and with 2 loader workers. The phases are
told by the run's folder, which stands still once the run is killed:

    start        before the first stage
    alignment    until its last step has begun
    merge        until the adaptation begins: the last step, the merge of the adapters, the export that the adaptation starts from
    adaptation   until its last step has begun
    export       until the encoder's folder is there
    evaluation   until metrics.json is there

Takes about half a minute a moment on 2 cores, so it is no test; tests/test_train.py has one moment.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

NUM_STEPS = 6
SMALL = [
    *("world.num_train=64", "world.num_queries=8", "world.num_candidates=32", "world.num_glyphs=24"),
    *("encoder.checkpoint.hidden_size=32", "encoder.checkpoint.num_layers=1", "encoder.checkpoint.vocab_size=320"),
    *("encoder.checkpoint.vision_hidden_size=32", "encoder.checkpoint.vision_num_layers=1", "data.batch_size=32", "logger=csv"),
    *(f"alignment.max_steps={NUM_STEPS}", f"trainer.max_steps={NUM_STEPS}", "trainer.checkpoint_every_n_steps=2"),
    *("trainer.log_every_n_steps=1", "trainer.log_sample_keys=true", "trainer.progress_bar=false"),
]
PHASES = ("alignment", "merge", "adaptation", "export", "evaluation")
WORKERS = (0, 2)
LIMIT = 300  # seconds that a run may take


def command(folder: Path, runs: str, workers: int) -> list[str]:
    places = [f"data_root={folder}/data", f"runs_root={folder}/{runs}", f"data.num_workers={workers}"]
    return [sys.executable, "-m", "unite.train", "+experiment=stage2_mamcl", *SMALL, *places]


def run_of(runs: Path) -> Path | None:
    return next(iter(runs.glob("*/*/config.yaml")), runs).parent if runs.is_dir() and any(runs.glob("*/*/config.yaml")) else None


def samples(run: Path) -> list[tuple[str, int, tuple[str, ...]]]:
    """The samples of every step that was begun, in the order that they were; the last line may be half written."""
    file = run / "samples-rank0.jsonl"
    whole = file.read_text().rpartition("\n")[0].splitlines() if file.is_file() else []
    return [(line["stage"], line["step"], tuple(line["keys"])) for line in map(json.loads, whole)]


def phase_of(runs: Path) -> str:
    run = run_of(runs)
    if run is None:
        return "start"
    if (run / "metrics.json").is_file():
        return "end"
    if (run / "encoder").is_dir():
        return "evaluation"
    log = run / "train.log"
    told = log.read_text() if log.is_file() else ""
    begun = {stage: step for stage, step, _ in samples(run)}
    if "stage adaptation:" in told:
        return "export" if begun.get("adaptation") == NUM_STEPS - 1 else "adaptation"
    if "stage alignment:" in told:
        return "merge" if begun.get("alignment") == NUM_STEPS - 1 else "alignment"
    return "start"


def exported(run: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((run / "encoder").iterdir())}


def undisturbed(folder: Path, workers: int) -> tuple[Path, dict[str, float]]:
    """Returns a whole run and how long each phase took."""
    runs = folder / f"whole_{workers}"
    process = subprocess.Popen(command(folder, runs.name, workers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds: Counter[str] = Counter()
    last = time.monotonic()
    deadline = last + LIMIT
    while process.poll() is None:
        if last > deadline:
            process.kill()
        phase, now = phase_of(runs), time.monotonic()
        seconds[phase] += now - last  # type: ignore[assignment]
        last = now
        time.sleep(0.002)
    found = run_of(runs)
    if process.returncode or found is None:
        raise SystemExit(f"the undisturbed run ended with {process.returncode}")
    return found, dict(seconds)


def killed_in(folder: Path, runs: Path, workers: int, aim: str, wait: float) -> str:
    """Kills a run some seconds after it came to a phase; returns the phase that it was killed in."""
    process = subprocess.Popen(command(folder, runs.name, workers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + LIMIT
    order = ("start", *PHASES, "end")
    while process.poll() is None and order.index(phase_of(runs)) < order.index(aim) and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(wait)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return phase_of(runs)


def ended(command: list[str]) -> int | str:
    """Returns the status of a command, or that it did not come to an end."""
    try:
        return subprocess.run(command, timeout=LIMIT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        return f"none in {LIMIT} s"


def main() -> int:
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if ended(command(folder, "first", 0)) != 0:  # builds the world
            raise SystemExit("the first run did not end well")
        whole = {workers: undisturbed(folder, workers) for workers in WORKERS}
        expected = {workers: exported(run) for workers, (run, _) in whole.items()}
        by_step = {(stage, step): keys for stage, step, keys in samples(whole[0][0])}
        wrong = int(expected[0] != expected[2]) + int(samples(whole[0][0]) != samples(whole[2][0]))
        print(f"undisturbed, 0 and 2 workers: {'NOT the same' if wrong else 'the same'} samples and bytes", flush=True)
        fallen: Counter[str] = Counter()
        for moment in range(moments):
            workers, aim = WORKERS[moment // len(PHASES) % 2], PHASES[moment % len(PHASES)]
            runs = folder / f"killed_{moment}"
            phase = killed_in(folder, runs, workers, aim, draw.uniform(0, 1) * whole[workers][1].get(aim, 0.0))
            fallen[phase] += 1
            again = [*command(folder, runs.name, workers), "resume=true"]
            status = 0 if phase == "end" else ended(again)
            run = run_of(runs)
            seen = samples(run) if run else []
            same_samples = all(by_step[stage, step] == keys for stage, step, keys in seen) and {one[:2] for one in seen} == set(by_step)
            same_bytes = run is not None and (run / "encoder").is_dir() and exported(run) == expected[workers]
            wrong += status != 0 or not (same_samples and same_bytes)
            told = f"samples {'the same' if same_samples else 'NOT the same'}, bytes {'the same' if same_bytes else 'NOT the same'}"
            print(f"moment {moment + 1}: {workers} workers, killed in {phase}, resumed with status {status}: {told}", flush=True)
        print(f"{moments} moments ({', '.join(f'{count} in {phase}' for phase, count in fallen.items())}), {wrong} wrong")
        return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
