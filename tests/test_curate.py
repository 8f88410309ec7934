"""`python -m unite.curate` as a user runs it; what it writes is read as a source."""

import json
import os
import subprocess
import sys
from pathlib import Path

from unite.config.schema import SourceConfig
from unite.data.source import SourceDataModule

ROOT = Path(__file__).parents[1]
ROWS = [("a cat sits on the mat", "a feline is sitting"), ("a dog", "a hound"), ("a cat sits on the mat", "a feline is sitting")]


def curate(folder, *overrides, code=0):
    command = [sys.executable, "-m", "unite.curate", f"hydra.run.dir={folder}/hydra", *overrides]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_recipe_and_two_steps_from_the_command_line(tmp_path):
    annotations = tmp_path / "nli.jsonl"
    annotations.write_text("".join(json.dumps({"anchor": anchor, "positive": positive}) + "\n" for anchor, positive in ROWS))
    arguments = [f"out={tmp_path}/set", "workers=1", "+recipe@recipes.nli=text_pairs", f"recipes.nli.annotations={annotations}"]
    steps = ["+step@steps.short=text_length", "steps.short.min_words=3", "+step@steps.twice=exact_duplicates"]
    output = curate(tmp_path, *arguments, *steps)
    assert (
        f"The set is in {tmp_path}/set: 1 of 3 rows, datasheet.html" in output and f"  {tmp_path}/set/nli/text-to-text: 1 rows\n" in output
    )
    skipped = [json.loads(line) for line in (tmp_path / "set" / "skipped.jsonl").read_text().splitlines()]
    assert [(row["key"], row["step"]) for row in skipped] == [("000000001", "text_length"), ("000000002", "exact_duplicates")]
    source = SourceDataModule(
        SourceConfig(name="nli", shards=str(tmp_path / "set" / "nli" / "text-to-text"), query="text", positive="text")
    )
    assert [(row.query.text, row.positives[0].text) for row in map(source.example, range(len(source.reader)))] == ROWS[:1]


def test_a_missing_file_is_said_without_a_traceback(tmp_path):
    output = curate(tmp_path, f"out={tmp_path}/set", "+recipe@recipes.nli=text_pairs", "recipes.nli.annotations=gone.jsonl", code=1)
    assert "gone.jsonl" in output and "Traceback" not in output and list(tmp_path.iterdir()) == []
