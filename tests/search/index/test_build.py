"""Building an index: what kind, what it says of itself, and what can go wrong. With it `kinds.py`, `record.py` and `words.py`."""

import json
import os
import subprocess
import sys
import warnings

import pytest

from tests.commands import ROOT, environment
from tests.search.corpora import rows, unit, write
from unite.config.schema.index import IndexKind, IndexOptions
from unite.config.schema.vectors import Vectors
from unite.errors import ConfigError, DataError
from unite.locks import locked
from unite.search.corpus.place import Place
from unite.search.corpus.stored import StoredCorpus
from unite.search.index import Index, build_index
from unite.search.index.record import read_record


def built(folder, **options):
    return build_index(folder, IndexOptions(**{"sample": 20, **options}))


def names(folder):
    return sorted(index.name for index in StoredCorpus(folder).table.list_indices())


def test_auto_is_exact_of_few_rows_and_of_small_numbers(tmp_path):
    write(tmp_path / "a", unit(300))
    assert built(tmp_path / "a").kind is IndexKind.exact
    record = built(tmp_path / "a", exact_up_to=299)
    assert record.kind is IndexKind.ivf_rq and record.rows == 300 and record == read_record(Place.of(tmp_path / "a"))
    write(tmp_path / "b", unit(300), Vectors.int8)
    assert built(tmp_path / "b", exact_up_to=299).kind is IndexKind.exact


@pytest.mark.parametrize("kept", [Vectors.int8, Vectors.binary])
def test_what_lancedb_does_not_index_is_refused(tmp_path, kept):
    write(tmp_path, unit(300), kept)
    with pytest.raises(
        ConfigError, match=f"kind must be exact or auto of vectors that are kept in {kept}, but is 'ivf_pq'. Take kind=exact"
    ):
        built(tmp_path, kind=IndexKind.ivf_pq)


def test_a_bit_a_dimension_needs_whole_bytes(tmp_path):
    write(tmp_path, unit(300, dim=20))
    with pytest.raises(
        ConfigError, match="kind must be another .* no multiple of 8, but is 'ivf_rq over 20 dimensions'. Take kind=ivf_pq."
    ):
        built(tmp_path, kind=IndexKind.ivf_rq)
    assert built(tmp_path, exact_up_to=299).kind is IndexKind.ivf_pq


def test_an_empty_or_too_little_corpus_is_told(tmp_path):
    write(tmp_path / "a", unit(0))
    with pytest.raises(DataError, match="the corpus must be one with rows, but is 'empty'. Embed something into it"):
        built(tmp_path / "a")
    write(tmp_path / "b", unit(255))
    with pytest.raises(DataError, match="the rows of a corpus with kind=ivf_pq must be at least 256, but is 255. Take kind=exact."):
        built(tmp_path / "b", kind=IndexKind.ivf_pq)
    with pytest.raises(DataError, match="the corpus must be a folder with corpus.json, but is "):
        built(tmp_path / "c")


def test_no_deprecated_call_is_made(tmp_path):
    write(tmp_path, unit(300))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        built(tmp_path, kind=IndexKind.hnsw_sq)
        assert Index(tmp_path).search(unit(1)[0], "bird", where="price > 1")


def test_an_exact_index_takes_the_place_of_another(tmp_path):
    write(tmp_path, unit(300))
    built(tmp_path, kind=IndexKind.ivf_pq)
    assert names(tmp_path) == ["text_idx", "vector_idx"]
    assert built(tmp_path, kind=IndexKind.exact, full_text=False).recall_at_10 == 1
    assert names(tmp_path) == []


def test_words_are_found_by_their_stems_in_the_language_that_was_given(tmp_path):
    texts = ["viele rote Vögel", "ein Haus", "a red bird", "the birds"] + ["nothing"] * 6
    write(tmp_path, unit(10), texts=texts)
    index = Index(tmp_path)
    assert [hit.id for hit in index.search(words="bird")] == ["r2"]  # not indexed: read one by one, as they are written
    built(tmp_path)
    assert {hit.id for hit in index.search(words="BIRDS")} == {"r2", "r3"}
    assert [hit.id for hit in index.search(words='red "bird" OR (house', where="price = 2")] == ["r2"]
    assert index.search(words="!!") == [] and index.search(words="bird", modalities=["text"])[0].id == "r3"
    built(tmp_path, language="German")
    assert [hit.id for hit in index.search(words="vogel")] == ["r0"]
    with pytest.raises(ConfigError, match="language must be one that LanceDB knows .English.*, but is 'Klingon'"):
        built(tmp_path, language="Klingon")


def test_a_second_builder_is_told_of_the_first(tmp_path):
    write(tmp_path, unit(20))
    holding = "import sys, time; from unite.locks import locked\nwith locked(sys.argv[1]): print(flush=True); time.sleep(60)"
    arguments = [sys.executable, "-c", holding, str(tmp_path / "lock")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT, env=environment()) as other:
        other.stdout.readline()
        with pytest.raises(
            DataError, match="the corpus must be one that no other process writes to, but is '.*, held by process .*Wait for its end"
        ):
            built(tmp_path)
        other.kill()
    assert built(tmp_path).rows == 20
    with locked(tmp_path / "lock", wait=False) as is_free:
        assert is_free


def test_a_full_disk_is_told_and_leaves_the_index_that_was_there(tmp_path):
    write(tmp_path, unit(300))
    before = built(tmp_path, kind=IndexKind.ivf_pq)
    limited = """
import resource, signal, sys
from unite.config.schema.index import IndexKind, IndexOptions
from unite.search.index import build_index
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
try:
    build_index(sys.argv[1], IndexOptions(kind=IndexKind.hnsw_sq, full_text=False))
except OSError as error:
    print(type(error).__name__, error)
"""
    arguments = [sys.executable, "-c", limited, str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=120)
    assert f"OSError [Errno 27] File too large: '{tmp_path}'" in done.stdout, done.stdout + done.stderr
    assert read_record(Place.of(tmp_path)) == before and len(Index(tmp_path).search(unit(1)[0])) == 10


def test_a_damaged_record_is_told(tmp_path):
    write(tmp_path, unit(20))
    built(tmp_path)
    told = json.loads((tmp_path / "index.json").read_text())
    for change, message in (
        ({"format": 0}, "the format of .* must be 1, but is 0"),
        ({"kind": "tree"}, "is damaged"),
    ):
        (tmp_path / "index.json").write_text(json.dumps(told | change))
        with pytest.raises(DataError, match=f"{message}.* Build it again: python -m unite.index corpus="):
            Index(tmp_path)
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(DataError, match="index.json cannot be read .* Build it again"):
        Index(tmp_path)


def test_rows_that_come_while_it_is_built_are_found(tmp_path):
    corpus = write(tmp_path, unit(300))
    built(tmp_path, kind=IndexKind.hnsw_sq)
    corpus.put(rows(unit(1, seed=3), ids=["new"]))
    assert Index(tmp_path).search(unit(1, seed=3)[0], k=1)[0].id == "new"


@pytest.mark.parametrize(("option", "value"), [("refine_factor", 0), ("sample", 0), ("exact_up_to", -1), ("probes", 0), ("seed", -1)])
def test_options_out_of_their_range_are_refused(option, value):
    with pytest.raises(ConfigError, match=f"{option} must be at least .*, but is {value}"):
        IndexOptions(**{option: value})


@pytest.mark.parametrize(("where", "is_mended"), [("data/*.lance", False), ("_indices/*/*", True)])
@pytest.mark.parametrize("is_gone", [False, True])
def test_files_that_are_cut_or_gone_are_told(tmp_path, where, is_mended, is_gone):
    write(tmp_path, unit(300))
    built(tmp_path, kind=IndexKind.ivf_rq)
    for path in list((tmp_path / "corpus.lance").glob(where)):
        path.unlink() if is_gone else os.truncate(path, path.stat().st_size // 2)

    def searched():
        return Index(tmp_path).search(unit(1)[0], "number 7", where="price < 9", k=1)

    with pytest.raises(DataError, match=r"files of the table in .* are damaged or gone \(.*Build its index again, python -m unite") as told:
        searched()
    assert ".rs:" not in str(told.value)
    if is_mended:
        built(tmp_path)
        assert searched()
    else:
        with pytest.raises(DataError, match=r"make the corpus again in another folder\.$"):
            built(tmp_path)
