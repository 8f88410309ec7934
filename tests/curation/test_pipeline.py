"""A set is what was not left out, whoever makes it and however often he dies, and a folder holds one set.

Of `part.py`, `pack.py`, `loaded.py`, `raw.py` and `records.py` too: the way of a row from its recipe to its shard.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import webdataset

from tests.curation.material import Rows, curate_both, curate_pictures, row, write_collection
from tests.media.material import clip, image_medium, photograph, video_medium
from tests.written import write_csv
from unite.config.schema import SourceConfig
from unite.curation.pipeline import Curation
from unite.curation.recipes.image_captions import ImageCaptions
from unite.curation.recipes.text_pairs import TextPairs
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.image_size import ImageSize
from unite.curation.steps.language import Language
from unite.curation.steps.near_duplicates import NearDuplicates
from unite.curation.steps.step import Drop, Verdict
from unite.curation.steps.text_length import TextLength
from unite.data.index import load_index
from unite.data.shards import ShardReader, ShardWriter
from unite.data.source import SourceDataModule
from unite.errors import ConfigError, DataError, SkippedRowError
from unite.files import read_lines
from unite.media.ready import RawMedium
from unite.types import Modality


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    write_collection(folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("sets") / "undisturbed"
    return curate_pictures(raw, out), out


def files_of(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_what_comes_out_is_what_was_not_left_out(raw, undisturbed):
    sheet, out = undisturbed
    gone = {at for at in range(60) if at % 7 == 6 or at % 11 == 5 or at % 13 == 3 or at % 17 == 4}
    reader = ShardReader.of_folder(out / "pictures" / "text-to-image")
    assert [one.key.rpartition("-")[2] for one in reader] == [f"{at:09d}" for at in range(60) if at not in gone]
    first = reader.read(0)
    assert first.query.text == "a caption of picture number 0" and first.positives[0].media[0].data == (raw / "0.jpg").read_bytes()
    skipped = list(read_lines(out / "skipped.jsonl"))
    assert {int(line["key"]) for line in skipped} == gone | {60}
    assert {line["key"]: line["reason"] for line in skipped}["000000004"] == "missing file"
    last = skipped[-1]
    assert (last["source"], last["key"], last["step"], last["reason"]) == ("pictures", "000000060", "exact_duplicates", "exact duplicate")
    assert last["detail"] == "of pictures/000000000"
    funnel = sheet["funnel"]
    assert [step["step"] for step in funnel] == ["read", "text_length", "image_size", "media", "exact_duplicates"]
    assert funnel[0]["in"] == 61 and funnel[-1]["out"] == len(reader) == sheet["totals"]["rows"]
    assert all(step["in"] - step["out"] == sum(step["dropped"].values()) for step in funnel)
    assert all(one["out"] == other["in"] for one, other in pairwise(funnel))
    assert not (out / ".work").exists()


def test_a_shard_is_what_a_writer_makes_of_its_rows(tmp_path):
    """Rows are copied from parts as they lie there, but those that a step gave something."""
    rows = [row(f"{letter} question", f"{letter} answer") for letter in "abcdefghijklmnopqrstuvwxyz"]

    class EveryThird:
        name, columns = "every_third", frozenset()

        def judge_set(self, collection):
            wanted = range(0, len(collection), 3)
            return Verdict({5: Drop("by chance")}, {at: f"group {at}" for at in wanted}, {at: [at + 1, 4] for at in wanted if at % 2})

    Curation([Rows(rows)], [EveryThird()], out=tmp_path, rows_per_part=7, samples_per_shard=9, workers=1, progress=False).run()
    folder = tmp_path / "rows" / "text-to-text"
    read = list(ShardReader.of_folder(folder))
    assert [one.query.text[0] for one in read] == list("abcdeghijklmnopqrstuvwxyz")
    assert [one.positives[0].group for one in read[:4]] == ["group 0", "", "", "group 3"]
    assert [one.text for one in read[3].negatives] == ["e answer", "e answer"] and not read[1].negatives
    lines = [line for path in sorted(folder.glob("*.rows.jsonl")) for line in read_lines(path)]
    assert [(line["negatives"], line.get("group", "")) for line in lines] == [(len(one.negatives), one.positives[0].group) for one in read]
    with ShardWriter(tmp_path / "again", 9) as writer:
        for one in read:
            writer.write(one)
    for path in writer.paths:
        assert path.read_bytes() == (folder / path.name).read_bytes()
        assert load_index(folder / path.name) == load_index(path)


def test_a_key_is_another_in_every_source_of_every_set(tmp_path):
    """As webdataset reads the shards of sets that somebody merged."""
    for name, texts in (("one", ["a cat", "a dog"]), ("two", ["a cat", "a cow"])):
        lines = "".join(f'{{"anchor": "{text}", "positive": "{text} it is"}}\n' for text in texts)
        (tmp_path / f"{name}.jsonl").write_text(lines)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "one.jsonl").write_bytes((tmp_path / "one.jsonl").read_bytes())
    sets = {
        "a": [TextPairs(name, tmp_path / "one.jsonl") for name in ("nli", "nli.v1", "nli_v1", "猫", "犬")],
        "b": [TextPairs("nli", tmp_path / "two.jsonl"), TextPairs("back", tmp_path / "two.jsonl", anchor="positive", positive="anchor")],
        "c": [TextPairs("nli", tmp_path / "one.jsonl", instruction="find it"), Rows([row(), row()], "nli-2")],
        "same": [TextPairs("nli", tmp_path / "elsewhere" / "one.jsonl")],
    }
    keys = {}
    for name, recipes in sets.items():
        Curation(recipes, out=tmp_path / name, samples_per_shard=1, workers=1, progress=False).run()
        shards = [str(path) for path in sorted((tmp_path / name).rglob("*.tar"))]
        keys[name] = [one["__key__"] for one in webdataset.WebDataset(shards, shardshuffle=False, empty_check=False)]
    merged = [*keys["a"], *keys["b"], *keys["c"]]
    assert len(set(merged)) == len(merged) == 18
    assert set(keys["same"]) < set(keys["a"]) and all(re.fullmatch(r"nli-[0-9a-f]{8}-00000000[01]", key) for key in keys["same"])


def test_the_shards_are_a_source_to_train_on(undisturbed):
    source = SourceDataModule(
        SourceConfig(name="pictures", shards=str(undisturbed[1] / "pictures" / "text-to-image"), query="text", positive="image")
    )
    example = source.example(0)
    assert example.positives[0].modality is Modality.IMAGE and len(source.reader) == undisturbed[0]["totals"]["rows"]


def test_each_row_keeps_its_metadata_beside_the_shard(undisturbed):
    (line, *_) = read_lines(undisturbed[1] / "pictures" / "text-to-image" / "shard-000000.rows.jsonl")
    assert line["metadata"] == {"url": "http://x/0"} and line["licence"] == "CC0" and line["pair"] == "text-to-image"
    assert line["media"][0]["size"] == [200, 150] and line["words"] == [6, 0]


def test_worker_processes_and_other_parts_give_the_same_set(raw, undisturbed, tmp_path):
    curate_pictures(raw, tmp_path / "two", workers=2)
    assert files_of(tmp_path / "two") == files_of(undisturbed[1])
    other = curate_pictures(raw, tmp_path / "parts", rows_per_part=7)
    assert other["checksum"] == undisturbed[0]["checksum"]


def test_processes_that_make_one_set_at_once_all_end_with_it(raw, undisturbed, tmp_path):
    children = []
    for _ in range(3):
        children.append(os.fork())
        if children[-1] == 0:
            curate_pictures(raw, tmp_path / "set", rows_per_part=8)
            os._exit(0)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert curate_pictures(raw, tmp_path / "set", rows_per_part=8)["checksum"] == undisturbed[0]["checksum"]
    assert not [path for path in (tmp_path / "set").rglob("*") if path.name.startswith(".") or path.suffix == ".partial"]


def test_a_process_that_dies_again_and_again_ends_with_the_same_set(raw, undisturbed, tmp_path):
    """Each life ends at a later rename than the last, just before it or just after: what has a name then is all that is left."""
    deaths = 0
    while True:
        child = os.fork()
        if child == 0:
            die_at_rename(6 + deaths % 5, before=deaths % 2 == 0)
            curate_pictures(raw, tmp_path / "set", rows_per_part=8)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == 0:
            break
        assert code == 9 and not (tmp_path / "set" / "datasheet.json").exists()
        deaths += 1
    whole = curate_pictures(raw, tmp_path / "whole", rows_per_part=8)
    assert deaths >= 6 and whole["checksum"] == undisturbed[0]["checksum"]
    assert files_of(tmp_path / "set") == files_of(tmp_path / "whole")


def die_at_rename(number, before):
    rename, left = Path.replace, number

    def rename_or_die(path, target):
        nonlocal left
        left -= 1
        if left == 0 and not before:
            rename(path, target)
        if left == 0:
            os._exit(9)
        return rename(path, target)

    Path.replace = rename_or_die


def test_sigkill_at_random_moments_of_a_run_with_workers(raw, tmp_path):
    """Killed, workers and all, as soon as so many results have their names, drawn by chance over the whole run."""
    (raw / "v.mp4").write_bytes(clip(60, 10))
    clips = [["v.mp4", f"what is seen in clip {at}", at / 2, at / 2 + 2] for at in range(10)]
    write_csv(raw / "clips.csv", ["video", "caption", "start", "end"], [*clips, ["v.mp4", "a clip of nothing", 90, 95]])
    whole = curate_both(raw, tmp_path / "whole", workers=1)
    assert {"pictures", "clips"} == {name.split("/")[0] for name in whole["folders"]} and whole["totals"]["videos"] > 5
    num_results = 16 + 3 + len(whole["checksums"])  # parts of the two sources, shards of a row each
    sets = f"Path({str(raw)!r}), Path({str(tmp_path / 'out')!r})"
    code = f"from pathlib import Path; from tests.curation.material import curate_both; curate_both({sets}, workers=2)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    kept: dict[Path, int] = {}
    rng = random.Random(5)
    for moment in (rng.randrange(1, 19), rng.randrange(19, 19 + len(whole["checksums"]) // 2)):  # among the parts, among the shards
        process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, env=environment)
        until = time.monotonic() + 400
        while len(results(tmp_path / "out")) < moment:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        while orphans(process.pid):  # the workers notice that the run is gone
            assert time.monotonic() < until
            time.sleep(0.02)
        found = results(tmp_path / "out")
        assert not (tmp_path / "out" / "datasheet.json").exists() and moment <= len(found) < num_results
        assert kept.items() <= found.items()  # what was done is not done again
        kept = found
    sheet = curate_both(raw, tmp_path / "out", workers=1)
    assert sheet["checksum"] == whole["checksum"] and files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def results(out):
    """Parts and shards that have their names, and which file each is."""
    parts = [path for path in (out / ".work" / "parts").glob("*") if not path.suffix]
    return {path: path.stat().st_ino for path in [*parts, *out.glob("[!.]*/*/*.tar")]}


def orphans(session):
    """Processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[3] == str(session) and fields[0] != "Z":
            found.append(path.parent.name)
    return found


def test_a_set_that_is_there_is_returned_and_another_plan_is_refused(raw, undisturbed):
    sheet, out = undisturbed
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert curate_pictures(raw, out) == json.loads(json.dumps(sheet))
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    with pytest.raises(ConfigError, match="out must be a folder without another plan's set.*made with other seed. Choose another folder"):
        curate_pictures(raw, out, seed=1)


def test_media_of_every_kind_and_several_pairs(tmp_path):
    rows = [
        row("a text", "a picture", positive_media=[image_medium()]),
        row("a clip", "", positive_media=[video_medium(clip(30, 10))]),
        row("", "an answer", query_media=[image_medium(photograph(1)), image_medium(photograph(1))], negatives=["wrong"]),
        SkippedRowError("unreadable record", "no JSON"),
        row("a film", "", positive_media=[RawMedium(Modality.VIDEO, data=b"")]),
    ]
    sheet = Curation([Rows(rows, "mixed"), Rows(rows[:1], "more")], out=tmp_path / "set", workers=1, progress=False).run()
    assert {name: folder["rows"] for name, folder in sheet["folders"].items()} == {
        "mixed/text-to-text+image": 1,
        "mixed/text-to-video": 1,
        "mixed/image-to-text": 1,
        "more/text-to-text+image": 1,
    }
    assert sheet["funnel"][0]["dropped"] == {"unreadable record": 1} and sheet["funnel"][1]["dropped"] == {"empty file": 1}
    both = ShardReader.of_folder(tmp_path / "set" / "mixed" / "image-to-text").read(0)
    assert len(both.query.media) == 2 and both.negatives[0].text == "wrong"
    assert sheet["totals"]["images"] == 4 and sheet["totals"]["videos"] == 1 and sheet["distributions"]["video_seconds"]["median"] == 3.0


def test_a_folder_with_something_else_is_not_taken_for_a_set_begun(tmp_path):
    (tmp_path / "rows" / "text-to-text").mkdir(parents=True)
    with pytest.raises(ConfigError, match="out must be a new or empty folder, or one with a set of this plan.*It holds something else"):
        Curation([Rows([row()])], out=tmp_path, workers=1, progress=False).run()


def test_too_many_unusable_records_stop_the_run_before_anything_is_decided(tmp_path):
    rows = [row(positive_media=[RawMedium(Modality.IMAGE, "nowhere.jpg")])] * 3 + [row()]
    options = {"out": tmp_path / "set", "workers": 1, "progress": False}
    message = (
        r"at most 50% of 4 records, but is '3 \(3 media: missing file\)'. The first: 000000000: missing file: nowhere.jpg; .*media_root"
    )
    with pytest.raises(DataError, match=message):
        Curation([Rows(rows)], **options).run()
    assert Curation([Rows(rows)], max_unusable_share=0.8, **options).run()["totals"]["rows"] == 1  # goes on from there


def test_one_source_that_cannot_be_used_does_not_hide_behind_another(tmp_path):
    gone = [row(positive_media=[RawMedium(Modality.IMAGE, "nowhere.jpg")])] * 2
    with pytest.raises(DataError, match="the records of source small that cannot be used must be at most 50% of 2 records, but is '2 "):
        Curation([Rows([row()] * 9, "large"), Rows(gone, "small")], out=tmp_path / "set", workers=1, progress=False).run()


def test_a_text_of_a_megabyte_and_rubbish_are_rows_like_others(tmp_path):
    texts = ["a" * 1_000_000, "\0 nul", "\u202eשלם", "e" + "\u0301" * 1000, "<|IMAGE|> <|im_end|>"]
    steps = [TextLength(max_words=10**9, max_characters=10**9), Language(), ExactDuplicates(), NearDuplicates()]
    rows = [*(row(text, f"answer {text}") for text in texts), row(" \n", "b")]
    out = tmp_path / "set"
    sheet = Curation([Rows(rows)], steps, out=out, workers=1, progress=False, max_unusable_share=1).run()
    kept = [stored.query.text for stored in ShardReader.of_folder(out / "rows" / "text-to-text")]
    assert kept == [texts[1], texts[2], texts[4]], sheet["funnel"]  # one letter over and over is no English; short texts are not judged


def test_a_bug_in_a_recipe_names_the_record(tmp_path):
    class Broken(Rows):
        def read(self, at):
            return super().read(at) if at < 1 else 1 / 0

    with pytest.raises(ZeroDivisionError) as raised:
        Curation([Broken([row(), row()])], out=tmp_path / "set", workers=1, progress=False).run()
    assert raised.value.__notes__ == ["It was raised at record 1 of source rows."]


def test_steps_run_in_one_order_however_they_are_named(raw, undisturbed, tmp_path, caplog):
    """The plan is the same too: a set that was begun goes on."""
    caplog.set_level("INFO")
    recipe = ImageCaptions("pictures", raw / "rows.csv", licence="CC0")
    steps = [ExactDuplicates(), TextLength(min_words=3), ImageSize(min_side=64)]
    Curation([recipe], steps, out=tmp_path / "set", rows_per_part=16, samples_per_shard=10, workers=1, progress=False).run()
    assert files_of(tmp_path / "set") == files_of(undisturbed[1])
    told = "steps, row by row: text_length, image_size; then over the whole set: exact_duplicates (those that judge row by row run first"
    assert caplog.text.count(told) == caplog.text.count("row by row: ") == 1


@pytest.mark.parametrize(
    ("recipes", "options", "message"),
    [
        ([Rows([row()]), Rows([row()])], {}, "the names of recipes must be unique, but is 'rows more than once'"),
        ([], {}, "recipes must be at least 1, but is 0"),
        ([Rows([row()])], {"rows_per_part": 0}, "rows_per_part must be at least 1, but is 0"),
        ([Rows([row()])], {"max_unusable_share": -0.1}, "max_unusable_share must be from 0 to 1, but is -0.1"),
        ([Rows([row()])], {"engine": "spark"}, "engine must be one of local, ray, but is 'spark'"),
        ([Rows([row()])], {"workers": -1}, "workers must be 0 .one a core. or more, but is -1"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, recipes, options, message):
    with pytest.raises(ConfigError, match=message):
        Curation(recipes, out=tmp_path / "set", progress=False, **options).run()
