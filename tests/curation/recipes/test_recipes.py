"""Each recipe on a few rows in the true layout of its format."""

import json
import pickle
import tarfile
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.curation.material import clip, encoded, photograph, write_csv
from unite.curation.raw import SkippedRowError
from unite.curation.recipes.coco import CocoCaptions
from unite.curation.recipes.huggingface import HuggingFace
from unite.curation.recipes.image_captions import ImageCaptions, ImageFolder
from unite.curation.recipes.mmeb import Mmeb
from unite.curation.recipes.text_pairs import TextPairs
from unite.curation.recipes.unite_json import UniteJson
from unite.curation.recipes.video_captions import VideoCaptions
from unite.curation.recipes.webdataset_shards import WebdatasetShards
from unite.curation.recipes.webvid_covr import WebvidCovr
from unite.errors import ConfigError, DataError
from unite.types import IMAGE_PLACE, VIDEO_PLACE, Modality


def rows(recipe):
    """All rows, read by a copy that went to another process; a row that is left out as its reason."""
    there = pickle.loads(pickle.dumps(recipe))
    assert len(there) == len(recipe) and there.fingerprint() == recipe.fingerprint()
    found = []
    for at in reversed(range(len(there))):  # by position, in any order
        try:
            found.append(there.read(at))
        except SkippedRowError as error:
            found.append(error.reason)
    return found[::-1]


def paths(content):
    return [medium.path for medium in content.media]


def json_file(path, value):
    path.write_text(json.dumps(value))
    return path


def json_lines(path, values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def parquet(path, values, **options):
    pq.write_table(pa.Table.from_pylist(values), path, **options)
    return path


def test_unite_json(tmp_path):
    file = json_file(
        tmp_path / "rows.json",
        [
            {"query": {"text": "a cat"}, "candidate": {"image": "cat.jpg"}, "target_modal": "image"},
            {
                "query": {
                    "text": f"first {IMAGE_PLACE} then {VIDEO_PLACE} and {IMAGE_PLACE}",
                    "image": ["1.jpg", "2.jpg"],
                    "video": "v.mp4",
                },
                "candidate": {"text": "an answer"},
                "negative": {"text": "a wrong one"},
            },
            {
                "query": {"text": "what is it?", "image": "cat.jpg"},
                "candidate": {"text": "x", "video": ["v.mp4"]},
                "target_modal": "text,video",
            },
            {"query": {"text": f"{IMAGE_PLACE} {IMAGE_PLACE}", "image": "one.jpg"}, "candidate": {"text": "x"}},
            {"query": {"text": "a"}, "candidate": {"text": "b"}, "target_modal": "audio"},
            {"query": {"text": "a"}, "candidate": {"text": "b"}, "target_modal": "image"},
            {"query": {"text": "a", "audio": "a.wav"}, "candidate": {"text": "b"}},
            {"query": {"text": ""}, "candidate": {"text": "b"}},
        ],
    )
    first, second, third, *skipped = rows(UniteJson("u", file, media_root="/media", licence="MIT"))
    assert first.query.text == "a cat" and paths(first.positives[0]) == ["/media/cat.jpg"] and first.licence == "MIT"
    assert paths(second.query) == ["/media/1.jpg", "/media/v.mp4", "/media/2.jpg"]  # in the order of their places
    assert [medium.modality for medium in second.query.media] == [Modality.IMAGE, Modality.VIDEO, Modality.IMAGE]
    assert second.negatives[0].text == "a wrong one"
    assert third.query.text == "what is it?" and paths(third.query) == ["/media/cat.jpg"]  # the image is not dropped
    assert skipped == ["placeholders", "unknown modality", "wrong modality", "unreadable record", "empty content"]


def test_mmeb(tmp_path):
    columns = ("qry", "qry_image_path", "pos_text", "pos_image_path", "neg_text", "neg_image_path")
    values = [
        (
            "<|image_1|>\nRepresent the given image with the following question: What is it?\n",
            "images/A-OKVQA/Train/0.jpg",
            "cab",
            "",
            "train",
            "",
        ),
        ("<|image_1|>\nRepresent the given image for classification\n", "images/ImageNet_1K/Train/1.jpg", "tench", "", "", ""),
        (
            "Find me an everyday image that matches the given caption: A man: on a bike\n",
            "",
            "<|image_1|>\nRepresent the given image.\n",
            "images/2.jpg",
            "",
            "",
        ),
        ("", "", "x", "", "", ""),
    ]
    (tmp_path / "A-OKVQA").mkdir()
    parquet(tmp_path / "A-OKVQA" / "original-00000-of-00002.parquet", [dict(zip(columns, one, strict=True)) for one in values[:1]])
    parquet(tmp_path / "A-OKVQA" / "original-00001-of-00002.parquet", [dict(zip(columns, one, strict=True)) for one in values[1:]])
    question, label, caption, empty = rows(Mmeb("m", tmp_path / "*" / "original-*.parquet", media_root=tmp_path))
    assert question.query.text == f"{IMAGE_PLACE}\nWhat is it?"
    assert question.query.instruction == "Represent the given image with the following question"
    assert paths(question.query) == [str(tmp_path / "images/A-OKVQA/Train/0.jpg")]
    assert question.positives[0].text == "cab" and question.negatives[0].text == "train"
    assert label.query.text == "" and len(label.query.media) == 1 and label.query.instruction and not label.negatives  # image, no text
    assert caption.query.text == "A man: on a bike" and not caption.query.media
    assert caption.positives[0].text == "" and len(caption.positives[0].media) == 1
    assert empty == "empty content"


def test_webvid_covr(tmp_path):
    file = write_csv(
        tmp_path / "covr.csv",
        ["txt1", "txt2", "sim_txt", "pth1", "pth2", "edit", "scores"],
        [
            ["a cat, asleep", "a dog", "0.9", "021/1", "022/2", "make it\na dog", "[0.1]"],
            ["a", "b", "0.9", "021/1", "022/2", "", "[]"],
        ],
    )
    first, second = rows(WebvidCovr("c", file, media_root="/videos"))
    assert first.query.text == f"{VIDEO_PLACE}\nmake it\na dog" and paths(first.query) == ["/videos/021/1.mp4"]
    assert paths(first.positives[0]) == ["/videos/022/2.mp4"] and first.positives[0].group == "c/022/2"
    assert first.metadata == {"txt1": "a cat, asleep", "txt2": "a dog", "sim_txt": "0.9", "scores": "[0.1]"}
    assert second == "empty field"


def test_image_captions_of_every_table_format(tmp_path):
    values = [{"key": f"{at:09d}", "caption": f'say "{at}"', "url": f"http://x/{at}", "licence": "CC0" if at else None} for at in range(3)]
    parquet(tmp_path / "a.parquet", values, row_group_size=2)
    json_lines(tmp_path / "a.jsonl", values)
    json_file(tmp_path / "a.json", values)
    write_csv(tmp_path / "a.csv", values[0], [one.values() for one in values])
    (tmp_path / "a.tsv").write_text(
        "\t".join(values[0]) + "\n" + "".join("\t".join(v or "" for v in one.values()) + "\n" for one in values)
    )
    for suffix in ("parquet", "jsonl", "json", "csv", "tsv"):
        recipe = ImageCaptions("i", tmp_path / f"a.{suffix}", image="key", image_suffix=".jpg", licence_column="licence", licence="other")
        found = rows(recipe)
        assert [one.query.text for one in found] == ['say "0"', 'say "1"', 'say "2"'], suffix
        assert [one.licence for one in found] == ["other", "CC0", "CC0"]
        assert paths(found[2].positives[0]) == [str(tmp_path / "000000002.jpg")] and found[2].metadata == {"url": "http://x/2"}
    inside = [{"image": {"bytes": b"\xff\xd8", "path": None}, "caption": "a"}, {"image": {"bytes": None, "path": "b.jpg"}, "caption": "b"}]
    first, second = rows(ImageCaptions("i", parquet(tmp_path / "inside.parquet", inside)))
    assert first.positives[0].media[0].data == b"\xff\xd8" and paths(second.positives[0]) == [str(tmp_path / "b.jpg")]
    back = rows(ImageCaptions("i", tmp_path / "a.csv", image="key", direction="image_to_text", instruction="Find a caption"))[0]
    assert back.positives[0].text == 'say "0"' and back.query.instruction == "Find a caption" and len(back.query.media) == 1


def test_coco(tmp_path):
    whole = {
        "images": [{"id": 9, "file_name": "9.jpg", "license": 4}, {"id": 7, "file_name": "7.jpg", "license": 5}],
        "annotations": [
            {"id": 1, "image_id": 7, "caption": "a cat "},
            {"id": 2, "image_id": 9, "caption": "a dog"},
            {"id": 3, "image_id": 7, "caption": "cats"},
        ],
        "licenses": [{"id": 4, "name": "Attribution License", "url": ""}],
    }
    file = json_file(tmp_path / "captions.json", whole)
    by_caption = rows(CocoCaptions("coco", file, "/train2017", licence="unknown"))
    assert [one.query.text for one in by_caption] == ["a cat", "cats", "a dog"]
    assert by_caption[0].positives[0].group == by_caption[1].query.group == "coco/7"
    assert by_caption[2].licence == "Attribution License" and by_caption[0].licence == "unknown"
    by_image = rows(CocoCaptions("coco", file, "/train2017", direction="image_to_text"))
    assert [[text.text for text in one.positives] for one in by_image] == [["a cat", "cats"], ["a dog"]]
    with pytest.raises(DataError, match="the lists images and annotations, but is 'list'"):
        len(CocoCaptions("coco", json_file(tmp_path / "no.json", []), "."))


def test_image_folder(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b.jpg", "a.png", "deep/c.JPG"):
        (tmp_path / name).write_bytes(b"image")
    (tmp_path / "a.txt").write_text(" a caption\n")
    (tmp_path / "deep" / "c.txt").write_text("\n")
    first, second, third = rows(ImageFolder("f", tmp_path))
    assert first.query.text == "a caption" and first.metadata == {"file": "a.png"}
    assert (second, third) == ("missing file", "empty field")
    with pytest.raises(DataError, match="f.folder must be a folder with images"):
        ImageFolder("f", tmp_path / "nowhere")


def test_video_captions(tmp_path):
    internvid = [
        {"YoutubeID": "abc", "Start_timestamp": "00:01:02.500", "End_timestamp": "00:01:05.000", "Caption": "a man runs", "UMT_Score": 0.4},
        {"YoutubeID": "abc", "Start_timestamp": "00:00:05.000", "End_timestamp": "00:00:05.000", "Caption": "nothing"},
        {"YoutubeID": "abc", "Start_timestamp": "soon", "End_timestamp": "later", "Caption": "nothing"},
    ]
    names = {"video": "YoutubeID", "caption": "Caption", "start": "Start_timestamp", "end": "End_timestamp", "video_suffix": ".mp4"}
    first, *skipped = rows(VideoCaptions("v", json_lines(tmp_path / "i.jsonl", internvid), media_root="/videos", **names))
    (medium,) = first.positives[0].media
    assert (medium.path, medium.start, medium.end) == ("/videos/abc.mp4", 62.5, 65.0)
    assert first.query.text == "a man runs" and first.metadata == {"UMT_Score": "0.4"}
    assert skipped == ["empty clip", "unreadable record"]
    tarsier = [{"video": {"file": "a.mp4", "start_time": 1.5, "end_time": -1}, "caption": "long"}]
    names = {"video": "video.file", "start": "video.start_time", "end": "video.end_time", "direction": "video_to_text"}
    (whole,) = rows(VideoCaptions("v", json_file(tmp_path / "t.json", tarsier), **names))
    assert (whole.query.media[0].start, whole.query.media[0].end) == (1.5, None) and whole.positives[0].text == "long"


def test_text_pairs_and_triplets(tmp_path):
    nli = parquet(
        tmp_path / "nli.parquet", [{"anchor": "a", "positive": "b", "negative": "c"}, {"anchor": "a", "positive": None, "negative": "c"}]
    )
    first, second = rows(TextPairs("nli", nli, instruction="Find what follows"))
    assert (first.query.text, first.positives[0].text, [one.text for one in first.negatives]) == ("a", "b", ["c"])
    assert first.query.instruction == "Find what follows" and second == "empty field"
    nq = json_lines(tmp_path / "nq.jsonl", [{"query": "who?", "answer": ["he", "she"], "id": 3}])
    (pair,) = rows(TextPairs("nq", nq))
    assert [one.text for one in pair.positives] == ["he", "she"] and pair.metadata == {"id": "3"}
    mined = write_csv(tmp_path / "m.csv", ["query", "positive", "negative_1", "negative_2"], [["q", "p", "n1", ""]])
    assert [one.text for one in rows(TextPairs("m", mined))[0].negatives] == ["n1"]
    with pytest.raises(DataError, match="at least two, anchor and positive"):
        TextPairs("one", write_csv(tmp_path / "one.csv", ["text"], [["a"]]))


def test_huggingface(tmp_path):
    datasets = pytest.importorskip("datasets")
    image = photograph()
    features = datasets.Features({"image": datasets.Image(), "captions": [datasets.Value("string")], "id": datasets.Value("int64")})
    whole = datasets.Dataset.from_dict({"image": [image, image], "captions": [["a", "b"], []], "id": [1, 2]}, features=features)
    datasets.DatasetDict({"test": whole}).save_to_disk(str(tmp_path / "set"))
    recipe = HuggingFace("h", tmp_path / "set", split="test", query={"image": "image"}, positive={"text": "captions"})
    first, second = rows(recipe)
    assert [one.text for one in first.positives] == ["a", "b"] and first.metadata == {"id": "1"} and second == "empty content"
    assert first.query.media[0].data.startswith(b"\x89PNG")
    with pytest.raises(DataError, match="such that text is among them.*The columns found are: image, captions, id"):
        HuggingFace("h", tmp_path / "set", split="test", query={"text": "text"}, positive={"text": "captions"})
    with pytest.raises(DataError, match="the split of .* must be one of test, but is 'train'"):
        HuggingFace("h", tmp_path / "set", query={"text": "captions"}, positive={"text": "captions"})
    with pytest.raises(ConfigError, match="a side of recipe h must be one of .*, but is 'picture'"):
        HuggingFace("h", tmp_path / "set", query={"picture": "image"}, positive={"text": "captions"})


def tar(path, members):
    with tarfile.open(path, "w") as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, BytesIO(data))
    return path


def test_webdataset_shards(tmp_path):
    picture = encoded(photograph())
    tar(
        tmp_path / "00000.tar",
        {"000.jpg": picture, "000.txt": b" a cat ", "000.json": b'{"url": "http://x", "license": "CC0", "caption": "other"}'},
    )
    tar(tmp_path / "00001.tar", {"000.jpg": picture, "000.json": b"no json", "001.txt": b"no picture", "002.jpg": picture, "002.txt": b""})
    first, *skipped = rows(WebdatasetShards("w", tmp_path / "*.tar", licence_field="license"))
    assert first.query.text == "a cat" and first.positives[0].media[0].data == picture and first.licence == "CC0"
    assert first.metadata == {"sample": "00000.tar/000", "url": "http://x", "caption": "other"}
    assert skipped == ["unreadable record", "missing file", "empty field"]
    assert rows(WebdatasetShards("w", tmp_path / "00000.tar", caption="caption"))[0].query.text == "other"
    tar(tmp_path / "video.tar", {"7.mp4": clip(4), "7.txt": b"a clip"})
    (video,) = rows(WebdatasetShards("w", tmp_path / "video.tar", medium="video", direction="video_to_text"))
    assert video.query.media[0].modality is Modality.VIDEO


def test_a_tar_whose_member_leaves_its_folder_is_refused_by_name(tmp_path):
    tar(tmp_path / "evil.tar", {"../../evil.jpg": b"x"})
    with pytest.raises(DataError, match=r"a member of .*evil.tar must be a name inside its folder, but is '../../evil.jpg'"):
        len(WebdatasetShards("w", tmp_path / "evil.tar"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda file: ImageCaptions("i", file, image="path"), r"such that path is among them.*The columns found are: image, caption, x"),
        (
            lambda file: WebvidCovr("c", file),
            r"such that txt1, txt2, edit, pth1, pth2 is among them.*The columns found are: image, caption, x",
        ),
        (lambda file: Mmeb("m", file), "qry, qry_image_path, pos_text, pos_image_path is among them"),
        (lambda file: ImageCaptions("i", file, direction="image_to_video"), "i.direction must be one of image_to_text, text_to_image"),
        (lambda file: ImageCaptions("i", file.with_name("none.csv")), "annotations must be an existing file or a glob that matches some"),
        (lambda file: ImageCaptions("i", json_file(file.with_suffix(".json"), {"a": 1})), "must be a JSON list of objects, but is 'dict'"),
        (lambda file: ImageCaptions("i", json_file(file.with_suffix(".xml"), 1)), r"the format of .* must be one of .csv.*, but is '.xml'"),
        (lambda file: ImageCaptions("i", json_file(file.with_suffix(".parquet"), 1)), "is no parquet file"),
    ],
)
def test_wrong_files_are_refused_with_what_was_found(tmp_path, make, message):
    file = write_csv(tmp_path / "a.csv", ["image", "caption", "x"], [["1.jpg", "one", ""]])
    with pytest.raises((DataError, ConfigError), match=message):
        make(file)


def test_records_that_cannot_be_read_are_named(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"image": "1.jpg", "caption": "one"}\n\n{"image": \n[1]\n{"image": "2.jpg", "caption": "two"}\n\n')
    assert [one if isinstance(one, str) else one.query.text for one in rows(ImageCaptions("i", file))] == [
        "one",
        "unreadable record",
        "unreadable record",
        "two",
    ]
    file = tmp_path / "a.csv"
    file.write_text('image,caption\n1.jpg,"one\n\nmore"\n2.jpg\n3.jpg,a,b\n4.jpg,four')
    found = rows(ImageCaptions("i", file))
    assert [one if isinstance(one, str) else one.query.text for one in found] == [
        "one\n\nmore",
        "unreadable record",
        "unreadable record",
        "four",
    ]
