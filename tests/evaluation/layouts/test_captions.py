"""Media with captions, each benchmark from the true layout through its option in conf/suite to its metrics."""

import json
from pathlib import Path

import pytest

from tests.evaluation.layouts import material
from unite.config.schema.media import Decoding
from unite.errors import ConfigError, DataError
from unite.evaluation.layouts.karpathy import Karpathy
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.layouts.tables import first_of_json_list, read_csv, read_json_lines
from unite.evaluation.layouts.video_captions import VideoCaptions
from unite.evaluation.tasks import data_fingerprint

ALL_RIGHT = {"hit@1": 1.0, "hit@5": 1.0, "hit@10": 1.0}


def paragraph(number):
    return [f"First {number}.", "Then nothing."]


BENCHMARKS = {
    "flickr30k": lambda root: material.karpathy(root / "flickr30k"),
    "coco": lambda root: material.karpathy(root / "coco", coco=True),
    "msrvtt": lambda root: material.msrvtt(root / "msrvtt"),
    "msvd": lambda root: material.video_captions(root / "msvd", "msvd_test.json", caption=lambda at: [f"a {at}", f"the {at}"]),
    "didemo": lambda root: material.video_captions(root / "didemo", "didemo_test.json", caption=paragraph),
    "sharegpt4v": lambda root: material.sharegpt4v(root / "sharegpt4v"),
    "urban1k": lambda root: material.urban1k(root / "Urban1k"),
    "docci": lambda root: material.docci(root / "docci"),
    "carebench": lambda root: material.video_captions(
        root / "carebench",
        "metadata.json",
        caption=lambda at: f"all of {at}",
        spatial_caption=lambda at: f"where {at}",
        temporal_caption=lambda at: f"when {at}",
    ),
}
#: Tests are of 12 rows; what the options ask for otherwise.
FEWER = {"sharegpt4v": [f"++suite.tasks.sharegpt4v_{one}.num_rows=12" for one in ("t2i", "i2t")]}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_an_encoder_that_knows_finds_everything(name, suite_of, knowing, tmp_path):
    BENCHMARKS[name](tmp_path)
    result = suite_of(name, *FEWER.get(name, [])).run(knowing)
    assert result.missing == {}
    medium = "video" if name in ("msrvtt", "msvd", "didemo", "carebench") else "image"
    pairs = [f"text->{medium}", f"{medium}->text"]
    assert [task.pair for task in result.tasks.values()] == pairs * (3 if name == "carebench" else 1)
    assert all(task.metrics == ALL_RIGHT for task in result.tasks.values())
    assert result.means() == ALL_RIGHT
    assert not any("63" in content.text or "60" in content.text for content in knowing.processor.contents)


def load(name, suite_of, *overrides):
    suite = suite_of(name, *overrides)
    return [suite.load(task) for task in suite.tasks]


def test_karpathy_counts_five_captions_of_each_test_image(suite_of, tmp_path):
    BENCHMARKS["coco"](tmp_path)
    to_image, to_text = load("coco", suite_of)
    assert (len(to_image.query_ids), len(to_image.candidate_ids)) == (60, 12)
    assert to_image.query_ids[5:7] == ["val2014/i1.jpg#0", "val2014/i1.jpg#1"]
    assert to_image.relevance["val2014/i1.jpg#4"] == {"val2014/i1.jpg": 1}
    assert to_text.relevance["val2014/i1.jpg"] == {f"val2014/i1.jpg#{at}": 1 for at in range(5)}
    assert to_image.queries[5].decode().text == "caption a of 1"


def test_several_captions_of_a_video_are_several_queries_and_a_paragraph_is_one(suite_of, tmp_path):
    BENCHMARKS["msvd"](tmp_path)
    BENCHMARKS["didemo"](tmp_path)
    several, one = load("msvd", suite_of)[0], load("didemo", suite_of)[0]
    assert (len(several.query_ids), several.relevance["v/2.mp4#1"]) == (24, {"v/2.mp4": 1})
    assert [content.decode().text for content in several.queries][4:6] == ["a 2", "the 2"]
    assert (len(one.query_ids), one.queries[2].decode().text) == (12, "First 2. Then nothing.")


def test_the_captions_of_carebench_are_three_tasks(suite_of, tmp_path):
    BENCHMARKS["carebench"](tmp_path)
    texts = [task.queries[3].decode().text for task in load("carebench", suite_of)[::2]]
    assert texts == ["all of 3", "where 3", "when 3"]


def test_of_didemo_the_first_thirty_seconds_are_looked_at_alone(suite_of, tmp_path):
    BENCHMARKS["didemo"](tmp_path)
    path = tmp_path / "didemo" / "videos" / "v" / "3.mp4"
    material.write_film(path, [60] * 30 + [200] * 10)  # 40 s at one frame a second: dark, then bright
    dark, whole = (load("didemo", suite_of, *given)[0] for given in ([], ["++suite.tasks.didemo_t2v.end_seconds=null"]))
    shown = [task.candidates[3].decode().media[0] for task in (dark, whole)]
    assert [len(medium.frames) for medium in shown] == [30, 40]
    assert [round(float(medium.frames.mean()) / 5) * 5 for medium in shown] == [60, 95]
    assert [task.candidates[2].decode().media[0].duration for task in (dark, whole)] == [1.0, 1.0]  # a short one ends as it does
    assert data_fingerprint(dark) != data_fingerprint(whole) and dark.candidates[3].key != whole.candidates[3].key
    assert suite_of("paper_coarse").load("didemo_t2v").candidates[3].decoding.end_seconds == 30
    with pytest.raises(ConfigError, match=r"end_seconds of a VideoCaptions task must be above start_seconds \(40\), .* but is 30"):
        VideoCaptions(folder="x", annotations="x", videos="x", direction="text_to_video", start_seconds=40, end_seconds=30)


@pytest.mark.parametrize(("name", "frames"), [("msrvtt", 48), ("msvd", 48), ("didemo", 48), ("carebench", 32), ("webvid_covr", 16)])
def test_frames_are_those_of_the_paper(name, frames, suite_of):
    assert suite_of(name).decoding == Decoding(min_frames=frames, max_frames=frames)
    for combined in ("paper_coarse", "paper_fine", "paper_instruction"):
        suite = suite_of(combined)
        if set(suite_of(name).tasks) <= set(suite.tasks):
            assert suite.decoding.max_frames == suite.decoding.min_frames == frames


def test_the_first_caption_alone_is_taken_where_that_is_asked(suite_of, tmp_path):
    BENCHMARKS["msvd"](tmp_path)
    task = suite_of("msvd", "+suite.tasks.msvd_t2v.captions_per_video=1").load("msvd_t2v")
    assert len(task.query_ids) == 12 and {name.partition("#")[2] for name in task.query_ids} == {"0"}


def test_a_folder_of_frames_stands_in_for_a_video(suite_of, tmp_path, knowing):
    BENCHMARKS["msvd"](tmp_path)
    video = tmp_path / "msvd" / "videos" / "v" / "3.mp4"
    video.unlink()
    with pytest.raises(DataError, match=r"without 1 of 12 media: \S*/3\.mp4'"):
        suite_of("msvd").load("msvd_t2v")
    for number in range(5):
        material.write_image(video / f"{number}.jpg", 3)
    result = suite_of("msvd").run(knowing)
    assert {task.metrics["hit@1"] for task in result.tasks.values()} == {1.0}
    before = result.tasks["msvd_t2v"].data
    material.write_image(video / "5.jpg", 3)
    assert suite_of("msvd").run(knowing).tasks["msvd_t2v"].data != before


def test_media_are_read_one_at_a_time_when_they_are_embedded(suite_of, tmp_path, monkeypatch):
    BENCHMARKS["urban1k"](tmp_path)
    read = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self.name) or original(self))
    task = load("urban1k", suite_of)[0]
    assert read == []
    assert int(task.candidates[1].decode().media[0].frames.mean()) == 20
    assert read == ["1.jpg"]


def test_the_first_rows_of_a_list_are_read_without_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.evaluation.layouts.tables.CHUNK", 7)
    path = tmp_path / "rows.json"
    files = BenchmarkFiles("x", tmp_path, "Put it there.")
    rows = [{"at": at, "text": "a, [b] }" * at} for at in range(5)]
    path.write_text(json.dumps(rows, indent=1))
    assert first_of_json_list(files, "rows.json", 3) == rows[:3]
    assert first_of_json_list(files, "rows.json", 9) == rows
    path.write_text(json.dumps(rows)[:60] + "no JSON from here")
    assert first_of_json_list(files, "rows.json", 1) == rows[:1]
    with pytest.raises(DataError, match=r"row 2 of .*rows\.json of task x must be JSON"):
        first_of_json_list(files, "rows.json", 3)
    path.write_text('{"a": 1}')
    with pytest.raises(DataError, match="must be a JSON list of rows"):
        first_of_json_list(files, "rows.json", 3)


READERS = [
    (lambda files: first_of_json_list(files, "rows", 1), '["wavé"]'),
    (lambda files: list(read_json_lines(files, "rows")), '"wavé"'),
    (lambda files: read_csv(files, "rows", ("text",)), "text\nwavé"),
]


@pytest.mark.parametrize(("read", "text"), READERS)
def test_a_text_that_is_no_utf_8_is_named(read, text, tmp_path):
    files = BenchmarkFiles("x", tmp_path, "Put it there.")
    (tmp_path / "rows").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"the text of .*/rows of task x must be UTF-8, but is .* save it as UTF-8\."):
        read(files)


def test_a_missing_benchmark_names_what_to_put_where_and_the_rest_runs(suite_of, tmp_path, knowing, caplog):
    BENCHMARKS["flickr30k"](tmp_path)
    result = suite_of("paper_coarse").run(knowing)
    assert list(result.tasks) == ["flickr30k_t2i", "flickr30k_i2t"]
    assert list(result.missing)[:3] == ["coco_t2i", "coco_i2t", "msrvtt_t2v"]
    message = result.missing["coco_t2i"]
    assert f"{tmp_path}/coco must be complete, but is 'without dataset_coco.json'." in message
    assert "Put Karpathy's dataset_coco.json there, and the images it names beside it." in message
    assert "video<number>.mp4 of MSR-VTT into MSRVTT_Videos" in result.missing["msrvtt_v2t"]
    assert caplog.text.count(message) == 1 == caplog.text.count("paper_coarse/coco_t2i is not run")  # both directions lack the same


def test_a_benchmark_without_data_is_told_in_ten_lines(suite_of, tmp_path, knowing):
    for name, num_folders in (("paper_coarse", 5), ("paper_fine", 4), ("paper_instruction", 2)):
        with pytest.raises(DataError, match=f"no task of suite {name} could be run:") as told:
            suite_of(name).check()
        lines = str(told.value).splitlines()
        assert len(lines) == num_folders + 2 <= 10 and lines[-1] == "What to put where: docs/benchmarks.md."
        assert all(f"{tmp_path}/" in line and "Put " in line for line in lines[1:-1])
    assert lines[1].startswith("  ImageNet-1K, N24News, HatefulMemes and 33 more: ")
    BENCHMARKS["flickr30k"](tmp_path)
    suite_of("paper_coarse").check()  # the rest runs


def test_missing_images_are_counted_before_anything_is_embedded(suite_of, tmp_path, knowing):
    BENCHMARKS["urban1k"](tmp_path)
    for number in (2, 7):
        (tmp_path / "Urban1k" / "image" / f"{number}.jpg").unlink()
    with pytest.raises(DataError, match=r"without 2 of 12 media: .*/image/2\.jpg, .*/image/7\.jpg'\. Put the folders image and caption"):
        suite_of("urban1k").run(knowing)
    assert knowing.processor.contents == []


def first_row(path, change):
    rows = json.loads(path.read_text())
    change(rows["images"][0] if isinstance(rows, dict) else rows[0])
    path.write_text(json.dumps(rows))


@pytest.mark.parametrize(
    ("name", "file", "change", "message"),
    [
        ("flickr30k", "dataset_flickr30k.json", lambda row: row.pop("sentences"), "'sentences' in image 0 of dataset_flickr30k.json"),
        ("flickr30k", "dataset_flickr30k.json", lambda row: row["sentences"][1].update(raw=""), "'raw' in a caption of image 0 of"),
        (
            "flickr30k",
            "dataset_flickr30k.json",
            lambda row: row.update(sentences={"raw": "a"}),
            "'sentences' in image 0 of .* a list, but is",
        ),
        ("flickr30k", "dataset_flickr30k.json", lambda row: row["sentences"][0].update(raw=["a"]), r"'raw' in .* a text, not blank, .*'a'"),
        ("msvd", "msvd_test.json", lambda row: row.pop("caption"), "the field 'caption' in row 0 of msvd_test.json .*not among video"),
        ("msvd", "msvd_test.json", lambda row: row.update(caption=["a", None]), "a list of texts, none of them empty, but is .*None"),
        (
            "msvd",
            "msvd_test.json",
            lambda row: row.update(video=["v"]),
            r"the field 'video' in row 0 .* a text, not blank, but is .*\['v'\]",
        ),
        ("msvd", "msvd_test.json", lambda row: row.update(caption=["a", " "]), "must be a text, or a list of texts, none of them empty"),
        ("msvd", "msvd_test.json", lambda row: row.update(video="v/1.mp4"), "12 rows and 11 different ones"),
        ("sharegpt4v", "share-captioner_coco_lcs_sam_1246k_1107.json", lambda row: row["conversations"].pop(), "a question and an answer"),
    ],
)
def test_a_broken_row_is_named(name, file, change, message, suite_of, tmp_path, knowing):
    BENCHMARKS[name](tmp_path)
    first_row(tmp_path / name / file, change)
    with pytest.raises(DataError, match=message):
        suite_of(name, *FEWER.get(name, [])).run(knowing)


def test_broken_files_are_named(suite_of, tmp_path, knowing):
    BENCHMARKS["msrvtt"](tmp_path)
    path = tmp_path / "msrvtt" / "MSRVTT_JSFUSION_test.csv"
    path.write_text("key,video,sentence\nret0,video1,a man\n")
    with pytest.raises(DataError, match="such that video_id is among its columns, but is 'key, video, sentence'"):
        suite_of("msrvtt").run(knowing)
    path.write_text("video_id,sentence,sentence\nvideo700,a man,a dog\n")
    with pytest.raises(DataError, match="with one column video_id and one sentence, but is 'video_id, sentence, sentence'"):
        suite_of("msrvtt").run(knowing)
    path.write_text("video_id,sentence\nvideo700\n")
    with pytest.raises(DataError, match="row 0 of .* must be filled in video_id, sentence, but is 'empty in sentence'"):
        suite_of("msrvtt").run(knowing)
    path.write_text('video_id,sentence\nvideo700,a man\nvideo701,"a dog\nvideo702,a cat\n')
    with pytest.raises(DataError, match="row 1 of .* must be CSV, but is 'unexpected end of data'"):
        suite_of("msrvtt").run(knowing)
    path.write_text("video_id,sentence\nvideo700,a man, a dog\n")
    with pytest.raises(DataError, match="row 0 of .* must be of the 2 fields of the header, but is 'longer'"):
        suite_of("msrvtt").run(knowing)
    BENCHMARKS["docci"](tmp_path)
    (tmp_path / "docci" / "docci_descriptions.jsonlines").write_text("{no\n")
    with pytest.raises(DataError, match=r"line 1 of .*docci_descriptions\.jsonlines of task docci_t2i must be JSON"):
        suite_of("docci").run(knowing)
    BENCHMARKS["urban1k"](tmp_path)
    (tmp_path / "Urban1k" / "caption" / "4.txt").write_text("\n")
    with pytest.raises(DataError, match=r"4\.txt of task urban1k_t2i must be a caption"):
        suite_of("urban1k").run(knowing)
    (tmp_path / "Urban1k" / "caption" / "._5.txt").write_bytes(b"\xff")  # as macOS leaves them
    (tmp_path / "Urban1k" / "caption" / "4.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match=r"the text of .*4\.txt of task urban1k_t2i must be UTF-8"):
        suite_of("urban1k").run(knowing)
    (tmp_path / "Urban1k" / "caption" / "4.txt").unlink()
    with pytest.raises(DataError, match=r"urban1k_t2i, urban1k_i2t: .*without 1 of 12 media: \S*caption/4\.txt"):
        suite_of("urban1k").run(knowing)
    with pytest.raises(DataError, match="list of at least 1000 rows, but is 'of 13'"):
        BENCHMARKS["sharegpt4v"](tmp_path)
        suite_of("sharegpt4v").run(knowing)


def test_a_broken_image_is_named(suite_of, tmp_path, knowing):
    BENCHMARKS["urban1k"](tmp_path)
    (tmp_path / "Urban1k" / "image" / "4.jpg").write_bytes(b"no image")
    with pytest.raises(
        DataError,
        match=r"task urban1k/urban1k_t2i cannot be evaluated: 4 of .* \(.*/4.jpg\) cannot be embedded: the image cannot be decoded",
    ):
        suite_of("urban1k").run(knowing)


def test_a_direction_or_split_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="direction of a VideoCaptions task must be one of text_to_video, video_to_text"):
        VideoCaptions(folder="x", annotations="x", videos="x", direction="text_to_image")
    BENCHMARKS["flickr30k"](tmp_path)
    layout = Karpathy(folder="flickr30k", annotations="dataset_flickr30k.json", direction="text_to_image", split="dev")
    with pytest.raises(DataError, match=r"must be one of \['test', 'train'\], but is 'dev'"):
        layout.load("t2i", tmp_path, Decoding())
