"""The data and the rates of experiments/curation_ablation: the stamps dirtied on purpose, and curated with each step left out in turn.

    python scripts/dirty_stamps.py make data               data/stamps -> data/stamps_dirty/raw
    python scripts/dirty_stamps.py curate data [JUDGE]     -> data/stamps_dirty/<arm>, with a run folder JUDGE those by similarity, too
    python scripts/dirty_stamps.py rates data              their rows left out rightly and wrongly, into rates.json and README.md

`--seed`, `--rows N` (so many clean pairs, all by default) and `--share FAULT=SHARE` (of the clean pairs; 0.1 each, 0.05 of `unreadable`)
say what `make` does. A set that is finished is not made again.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from unite.curation.dirt import CLEAN, FAULTS, CaptionedPicture, dirty, write_dirty
from unite.curation.dirt_found import Found, found_in, read_faults
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardReader
from unite.data.tasks import read_task
from unite.files import write_json
from unite.types import plain_text

STUDY = Path(__file__).parent.parent / "experiments" / "curation_ablation"
COLLECTIONS = ("emoji", "openmoji", "tuxpaint")
#: Each as it comes: the options are the defaults.
STEPS = {
    "language": "language",
    "exact": "exact_duplicates",
    "near": "near_duplicates",
    "leaks": "decontamination",
    "similarity": "similarity",
}
OPTIONS = {"leaks": "tasks", "similarity": "embed.checkpoint"}
#: Arm -> the steps that are left out; `uncurated` is what the reader lets through, `clean` the collection before it was dirtied.
ARMS = {"clean": set(STEPS), "uncurated": set(STEPS), "all": set(), **{f"without_{step}": {step} for step in STEPS}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "curate", "rates"))
    parser.add_argument("data", type=Path, help="the folder that stamps/ lies in")
    parser.add_argument("judge", nargs="?", default="", help="run folder of an encoder, for the step similarity")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=None)
    parser.add_argument("--share", action="append", default=[], metavar="FAULT=SHARE")
    given = parser.parse_args()
    dirt = given.data / "stamps_dirty"
    if given.what == "make":
        shares = {fault: 0.05 if fault == "unreadable" else 0.1 for fault in FAULTS}
        shares |= {fault: float(share) for fault, share in (told.split("=") for told in given.share)}
        make(given.data / "stamps", dirt, shares, given.seed, given.rows)
    elif given.what == "curate":
        for arm, left_out in ARMS.items():
            if given.judge or "similarity" in left_out:
                curate(dirt, arm, left_out, given.data / "stamps", given.judge)
    else:
        rates(dirt)


def make(stamps: Path, dirt: Path, shares: dict[str, float], seed: int, num_rows: int | None) -> None:
    trained = [pair for name in COLLECTIONS for pair in map(pair_of, ShardReader.of_folder(stamps / "train" / name / "t2i"))]
    pairs = trained[:: max(1, len(trained) // num_rows)][:num_rows] if num_rows else trained
    tests = [pair for name in COLLECTIONS for pair in tested(stamps / "test" / name / "t2i")]
    translations: dict[str, list[str]] = defaultdict(list)
    for name in ("emoji_languages", "tuxpaint_languages"):
        for row in ShardReader.of_folder(stamps / "train" / name / "t2i"):
            translations[row.query.group].append(plain_text(row.query.text))
    rows = dirty(pairs, tests, translations, shares, seed)
    write_dirty(dirt / "raw", rows, pairs)
    print(f"{dirt / 'raw'}: {len(pairs)} clean pairs, {len(rows)} rows: {dict(Counter(row.fault for row in rows))}")


def pair_of(row: Row) -> CaptionedPicture:
    return captioned(row.query, row.positives[0])


def tested(folder: Path) -> Iterator[CaptionedPicture]:
    """Yields each caption of a task with the first of its pictures."""
    task = read_task(folder)
    shown = {row.key: row.query for row in task.candidates}
    return (captioned(row.query, shown[next(iter(task.relevance[row.key]))]) for row in task.queries)


def captioned(told: StoredContent, shown: StoredContent) -> CaptionedPicture:
    (medium,) = shown.media
    return CaptionedPicture(medium.data, medium.extension, plain_text(told.text), shown.group)


def curate(dirt: Path, arm: str, left_out: set[str], stamps: Path, judge: str) -> None:
    table = dirt / "raw" / ("clean.jsonl" if arm == "clean" else "table.jsonl")
    command = ["+recipe@recipes.pairs=image_captions", f"recipes.pairs.annotations={table}", f"out={dirt / arm}"]
    values = {"leaks": "[" + ",".join(str(stamps / "test" / name / "t2i") for name in COLLECTIONS) + "]", "similarity": judge}
    for key, step in STEPS.items():
        if key not in left_out:
            command += [f"+step@steps.{key}={step}", f"steps.{key}.name={key}"]
            command += [f"steps.{key}.{OPTIONS[key]}={values[key]}"] if key in OPTIONS else []
    subprocess.run([sys.executable, "-m", "unite.curate", *command], check=True, timeout=3600)


def rates(dirt: Path) -> None:
    faults = read_faults(dirt / "raw")
    found = {arm: found_in(dirt / arm, faults) for arm in ARMS if arm != "clean" and (dirt / arm / "datasheet.json").is_file()}
    told = {
        arm: {"left_out": {f"{step}: {fault}": num for (step, fault), num in sorted(one.left_out.items())}} for arm, one in found.items()
    }
    write_json(STUDY / "rates.json", {arm: {**told[arm], "kept": dict(sorted(one.kept.items()))} for arm, one in found.items()})
    page = STUDY / "README.md"
    text = page.read_text()
    tables = {"arms": arms_table(found, Counter(faults))} | ({"steps": steps_table(found["all"])} if "all" in found else {})
    for mark, table in tables.items():
        text = re.sub(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda at, table=table: at[1] + table + at[2], text, flags=re.DOTALL)
        print(table)
    page.write_text(text)


def arms_table(found: dict[str, Found], faults: Counter[str]) -> str:
    """Returns, by arm, the percent of each fault that was left out, the clean rows wrongly so, precision and recall."""
    lines = [
        f"| left out, percent | {' | '.join(f'{fault} ({faults[fault]})' for fault in FAULTS)} | clean rows wrongly | precision | recall |"
    ]
    lines.append("|---" * (len(FAULTS) + 4) + "|")
    for arm, one in found.items():
        cells = [f"{100 * one.num_left_out(fault) / faults[fault]:.0f}" if faults[fault] else "-" for fault in FAULTS]
        wrongly = f"{one.wrongly} of {faults[CLEAN]}"
        lines.append(f"| {arm} | {' | '.join(cells)} | {wrongly} | {100 * one.precision:.0f} | {100 * one.recall:.0f} |")
    return "\n".join(lines) + "\n"


def steps_table(one: Found) -> str:
    """Returns, by step, how many rows of each fault it left out, of those that the steps before it let through."""
    lines = [f"| rows left out | {' | '.join(FAULTS)} | clean, wrongly |", "|---" * (len(FAULTS) + 2) + "|"]
    for step in dict.fromkeys(step for step, _ in one.left_out):
        cells = [str(one.num_left_out(fault, step)) for fault in (*FAULTS, CLEAN)]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
