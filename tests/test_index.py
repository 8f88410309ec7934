"""`python -m unite.index` as a user runs it."""

import json
import os
import subprocess
import sys

from tests.commands import ROOT, environment
from tests.search.corpora import unit, write
from unite.config.schema import IndexKind
from unite.search.corpus.place import Place
from unite.search.index import Index
from unite.search.index.record import read_record


def index(folder, *overrides, code=0):
    command = [sys.executable, "-m", "unite.index", f"hydra.run.dir={folder}/hydra", *overrides]
    wide = environment() | {"COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200, env=os.environ | wide)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_it_says_what_the_index_is_worth_and_which_rows_are_alike(tmp_path):
    vectors = unit(300, clusters=30)
    vectors[200] = vectors[100]
    write(tmp_path / "corpus", vectors)
    output = index(tmp_path, f"corpus={tmp_path}/corpus", "kind=ivf_rq", "sample=30", "near_duplicates=0.9999", "refine_factor=5")
    record = read_record(Place.of(tmp_path / "corpus"))
    assert (record.kind, record.refine_factor, record.sample, record.rows) == (IndexKind.ivf_rq, 5, 30, 300)
    assert f"The index of 300 rows is in {tmp_path}/corpus: ivf_rq, " in output
    assert f"Recall@10 against an exact search: {record.recall_at_10:.3f}, of 30 rows as queries." in output
    assert "1 pairs of rows are alike by 0.9999 or more" in output
    assert output.rstrip().endswith(f"Search in it: python -m unite.search index={tmp_path}/corpus")
    line = json.loads((tmp_path / "corpus" / "near_duplicates.jsonl").read_text())
    assert (line["first"], line["second"]) == ("r100", "r200")
    assert len(Index(tmp_path / "corpus").search(vectors[0])) == 10


def test_what_is_wrong_is_told_at_once_and_before_torch_is_imported(tmp_path):
    output = index(tmp_path, f"corpus={tmp_path}/none", "refine_factor=0", code=1)
    assert "2 things are to be mended" in output and "refine_factor must be at least 1, but is 0" in output
    assert "the corpus must be a folder with corpus.json" in output and "importing torch" not in output and "Traceback" not in output
