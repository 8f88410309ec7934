"""What curation costs: text pairs from JSON Lines to shards, against a plain loop that writes the same pairs.

    python -m benchmarks.curation [--quick] [--annotations pairs.jsonl]

The plain loop is `json.loads` of each line and webdataset's TarWriter, as it is by default: no checks, no resuming, no datasheet, no index.
Both write one JSON member a pair, a thousand pairs a shard, in this process. The two take turns, and what is given is the median over the
rounds of their ratio, in seconds of the processor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import webdataset

from unite.curation.pipeline import Curation
from unite.curation.recipes.text_pairs import TextPairs
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.near_duplicates import NearDuplicates
from unite.curation.steps.step import Step
from unite.curation.steps.text_length import TextLength

_PER_SHARD = 1000
#: Words of a query and of a positive.
_WORDS = (10, 40)


def run(quick: bool, annotations: Path | None = None) -> dict[str, float]:
    """Measures `curate_text_vs_plain`, and the same with steps."""
    rounds, num_pairs = (1, 2000) if quick else (7, 20_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = annotations or _write_pairs(folder / "pairs.jsonl", num_pairs)
        with pairs.open() as file:
            num_pairs = sum(1 for _ in file)
        ways: dict[str, Callable[[Path], None]] = {
            "plain": lambda out: plain(pairs, out),
            "ours": lambda out: curate(pairs, out),
            "exact": lambda out: curate(pairs, out, [TextLength(min_words=3), ExactDuplicates()]),
            "near": lambda out: curate(pairs, out, [NearDuplicates()]),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for at in range(rounds + 1):
            for way, write in ways.items():
                out = folder / f"{way}{at}"
                start = time.process_time()
                write(out)
                if at:  # the first round imports
                    seconds[way].append(time.process_time() - start)
    ratio = {way: statistics.median(one / other for one, other in zip(seconds[way], seconds["plain"], strict=True)) for way in ways}
    return {
        "curate_text_vs_plain": ratio["ours"],
        "curate_text_vs_plain_exact_duplicates": ratio["exact"],
        "curate_text_vs_plain_near_duplicates": ratio["near"],
        "curate_text_ms_a_row": 1000 * statistics.median(seconds["ours"]) / num_pairs,
        "curate_text_ms_a_row_plain": 1000 * statistics.median(seconds["plain"]) / num_pairs,
    }


def plain(pairs: Path, out: Path) -> None:
    """Writes the pairs as anybody would."""
    out.mkdir()
    with pairs.open() as file:
        for shard in range(10**6):
            lines = [line for _, line in zip(range(_PER_SHARD), file, strict=False)]
            if not lines:
                break
            with webdataset.TarWriter(str(out / f"shard-{shard:06d}.tar")) as tar:
                for at, line in enumerate(lines):
                    record = json.loads(line)
                    row = {"query": {"text": record["query"]}, "positives": [{"text": record["positive"]}], "negatives": []}
                    tar.write({"__key__": f"{shard * _PER_SHARD + at:09d}", "json": row})


def curate(pairs: Path, out: Path, steps: Sequence[Step] = ()) -> None:
    """Curates the pairs."""
    Curation([TextPairs("pairs", pairs)], steps, out=out, samples_per_shard=_PER_SHARD, workers=1, progress=False).run()


def _write_pairs(path: Path, num_pairs: int) -> Path:
    """Writes pairs of made-up words, each pair another."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(2, 10))) for _ in range(3000)]
    with path.open("w") as file:
        for _ in range(num_pairs):
            query, positive = (" ".join(words[at] for at in rng.integers(len(words), size=size)) for size in _WORDS)
            file.write(json.dumps({"query": query, "positive": positive}) + "\n")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer pairs and one round, for a smoke test")
    parser.add_argument("--annotations", type=Path, help="JSON Lines with query and positive")
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.quick, arguments.annotations), indent=2))
