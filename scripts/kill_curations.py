"""Kills a curation at random moments of every phase, goes on with it, and compares: `python scripts/kill_curations.py [moments] [disk]`.

Every curation must end with the files of the one that nothing disturbed. Either the command or one of its workers is killed. The phases are
told by the set's folder, which stands still once the curation is killed:

    reading     until every part has its name
    deciding    until the decision has its name
    packing     until the datasheet is there

With `disk`, an empty file system of its own (`mount -t tmpfs -o size=64m none <disk>`), it is also filled in each phase: the curation must
say what to do, and go on once there is room. Takes about a quarter of a minute a moment on 2 cores, so it is no test;
tests/curation/test_pipeline.py has two moments.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

NUM_TEXTS, NUM_PICTURES, ROWS_PER_PART = 4000, 400, 200
NUM_PARTS = NUM_TEXTS // ROWS_PER_PART + NUM_PICTURES // ROWS_PER_PART
PHASES = ("reading", "deciding", "packing")
LIMIT = 300  # seconds that a curation may take


def write_raw(folder: Path) -> None:
    """Writes pairs of texts, some of them nearly equal, and pictures with captions, of which one is broken."""
    draw = random.Random(0)
    words = [f"word{at}" for at in range(900)]
    folder.mkdir()
    with (folder / "texts.jsonl").open("w") as file:
        said: list[str] = []
        for at in range(NUM_TEXTS):
            text = draw.choice(said) + " again" if said and at % 7 == 0 else " ".join(draw.choices(words, k=25))
            said.append(text)
            file.write(json.dumps({"query": f"what is said in {at}", "answer": text}) + "\n")
    numbers = np.random.default_rng(0)
    with (folder / "pictures.jsonl").open("w") as file:
        for at in range(NUM_PICTURES):
            coarse = numbers.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((160, 160), Image.Resampling.BICUBIC).save(folder / f"{at}.jpg")
            file.write(json.dumps({"image": f"{at}.jpg", "caption": " ".join(draw.choices(words, k=12))}) + "\n")
    (folder / "7.jpg").write_bytes(b"no picture")


def command(raw: Path, out: Path) -> list[str]:
    recipes = ["+recipe@recipes.nli=text_pairs", f"recipes.nli.annotations={raw}/texts.jsonl"]
    recipes += ["+recipe@recipes.seen=image_captions", f"recipes.seen.annotations={raw}/pictures.jsonl", f"recipes.seen.media_root={raw}"]
    steps = ["+step@steps.short=text_length", "+step@steps.equal=exact_duplicates", "+step@steps.near=near_duplicates"]
    sizes = [f"rows_per_part={ROWS_PER_PART}", "samples_per_shard=200", "workers=2", f"hydra.run.dir={raw.parent}/log"]
    return [sys.executable, "-m", "unite.curate", f"out={out}", *recipes, *steps, *sizes]


def phase_of(out: Path) -> str:
    work = out / ".work"
    if (out / "datasheet.json").is_file():
        return "end"
    if (work / "decision").is_dir():
        return "packing"
    if sum(1 for path in (work / "parts").glob("*") if not path.suffix) == NUM_PARTS:
        return "deciding"
    return "reading" if (work / "parts").is_dir() else "start"


def files_of(out: Path) -> dict[str, str]:
    """The digest of every file of a set but the datasheet's, which say where it was made."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and path.stem != "datasheet")
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def begun(arguments: list[str], told: Path) -> subprocess.Popen[bytes]:
    with told.open("ab") as file:
        return subprocess.Popen(arguments, stdout=file, stderr=subprocess.STDOUT)


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes that its server of forks has forked."""
    own = children_of(process.pid)
    return [worker for child in own for worker in children_of(child)]


def children_of(process: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True).stdout
    return [int(number) for number in found.split()]


def wait_for(process: subprocess.Popen[bytes], out: Path, aim: str) -> None:
    """Waits until a curation has come to a phase, or has ended."""
    order, deadline = ("start", *PHASES, "end"), time.monotonic() + LIMIT
    while process.poll() is None and order.index(phase_of(out)) < order.index(aim) and time.monotonic() < deadline:
        time.sleep(0.01)


def undisturbed(raw: Path, out: Path, told: Path) -> dict[str, float]:
    """Makes the set and returns how many seconds each phase took."""
    seconds: dict[str, float] = {}
    process = begun(command(raw, out), told)
    last, deadline = time.monotonic(), time.monotonic() + LIMIT
    while process.poll() is None and last < deadline:
        phase, now = phase_of(out), time.monotonic()
        seconds[phase] = seconds.get(phase, 0.0) + now - last
        last = now
        time.sleep(0.01)
    process.kill()
    if process.returncode != 0:
        raise SystemExit(f"the undisturbed curation ended with {process.returncode}: {told.read_text()[-2000:]}")
    return seconds


def killed_in(raw: Path, out: Path, told: Path, aim: str, wait: float, draw: random.Random) -> tuple[str, str]:
    """Kills a curation, or one of its workers, some seconds after it came to a phase; returns the phase and what was killed."""
    process = begun(command(raw, out), told)
    wait_for(process, out, aim)
    time.sleep(wait)
    victim = draw.choice([process.pid, *workers_of(process)[:1]])
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:  # the worker has just ended
        victim = process.pid
        process.kill()
    try:
        process.wait(LIMIT)  # of a killed worker it must come to an end by itself
    except subprocess.TimeoutExpired:
        process.kill()
        return phase_of(out), "a worker, and it HUNG"
    return phase_of(out), "the command" if victim == process.pid else f"a worker (status {process.returncode})"


def ended(raw: Path, out: Path, told: Path) -> int | str:
    """Goes on with a curation; returns its status, or that it did not come to an end."""
    process = begun(command(raw, out), told)
    try:
        return process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"none in {LIMIT} s"


def filled_in(raw: Path, disk: Path, told: Path, aim: str) -> tuple[bool, bool]:
    """Fills the disk when a curation comes to a phase; returns whether it ended by saying so, and whether it was in that phase."""
    out, ballast = disk / "set", disk / "ballast"
    shutil.rmtree(out, ignore_errors=True)
    told.write_bytes(b"")
    process = begun(command(raw, out), told)
    wait_for(process, out, aim)
    with ballast.open("wb") as file:
        try:
            for _ in range(1 << 16):  # 64 GB at most
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass
    try:
        process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
    phase = phase_of(out)
    text = told.read_text()
    ballast.unlink()
    return process.returncode == 1 and "Traceback" not in text and "Make room and run it again" in text, phase == aim


def main() -> int:
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw, told = folder / "raw", folder / "told.txt"
        write_raw(raw)
        seconds = undisturbed(raw, folder / "whole", told)
        expected = files_of(folder / "whole")
        print(f"undisturbed: {', '.join(f'{phase} {took:.2f} s' for phase, took in seconds.items())}", flush=True)
        wrong = 0
        fallen: Counter[str] = Counter()
        for moment in range(moments):
            aim, out = PHASES[moment % len(PHASES)], folder / f"killed_{moment}"
            phase, victim = killed_in(raw, out, told, aim, draw.uniform(0, 1) * seconds.get(aim, 0.0), draw)
            fallen[phase] += 1
            status = ended(raw, out, told)
            same = files_of(out) == expected
            wrong += status != 0 or not same or "HUNG" in victim
            print(
                f"moment {moment + 1}: {victim} killed in {phase}, resumed with status {status}: {'the same' if same else 'NOT the same'}",
                flush=True,
            )
            shutil.rmtree(out)
        print(f"{moments} moments ({', '.join(f'{count} in {phase}' for phase, count in fallen.items())}), {wrong} wrong")
        if len(sys.argv) > 2:
            disk = Path(sys.argv[2])
            for aim in PHASES:
                said, in_phase = filled_in(raw, disk, told, aim)
                status = ended(raw, disk / "set", told)
                same = files_of(disk / "set") == expected
                wrong += not said or status != 0 or not same
                where = aim if in_phase else f"{aim} (it had gone on)"
                told_so = "said what to do" if said else f"did NOT say what to do: {told.read_text()[-600:]}"
                print(
                    f"disk full in {where}: {told_so}; with room again status {status}: {'the same' if same else 'NOT the same'}",
                    flush=True,
                )
        return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
