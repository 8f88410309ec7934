import numpy as np
import pytest

from tests.curation.material import loaded
from tests.curation.recipes.material import json_file, json_lines, parquet, read_all, read_texts, tar
from tests.written import write_csv
from unite.curation.recipes.coco import CocoCaptions
from unite.curation.recipes.huggingface import HuggingFace
from unite.curation.recipes.image_captions import ImageCaptions, ImageFolder
from unite.curation.recipes.mmeb import Mmeb
from unite.curation.recipes.text_pairs import TextPairs
from unite.curation.recipes.unite_json import UniteJson
from unite.curation.recipes.video_captions import VideoCaptions
from unite.curation.recipes.webdataset_shards import WebdatasetShards
from unite.curation.recipes.webvid_covr import WebvidCovr
from unite.errors import DataError, SkippedRowError
from unite.types import PLACES, plain_text

#: What no format but the authors' own means as places, and this one only where a medium is given for it.
LITERAL = r"the <|INSTRUCTION|> of <|VIDEO|> <\|IMAGE|> and <|im_end|>"


def captioned_folder(folder):
    (folder / "a.txt").write_text(LITERAL)
    (folder / "a.png").touch()
    return folder


def coco(folder):
    captions = {"images": [{"id": 1, "file_name": "a"}], "annotations": [{"id": 1, "image_id": 1, "caption": LITERAL}]}
    return json_file(folder / "a.json", captions)


RECIPES = {
    "text_pairs": lambda folder: TextPairs(
        "s", json_lines(folder / "a.jsonl", [{"query": LITERAL, "answer": [LITERAL]}]), instruction=LITERAL
    ),
    "image_captions": lambda folder: ImageCaptions("s", write_csv(folder / "a.csv", ["image", "caption"], [["1.jpg", LITERAL]])),
    "video_captions": lambda folder: VideoCaptions("s", write_csv(folder / "a.csv", ["video", "caption"], [["1.mp4", LITERAL]])),
    "image_folder": lambda folder: ImageFolder("s", captioned_folder(folder)),
    "coco": lambda folder: CocoCaptions("s", coco(folder), "."),
    "coco_back": lambda folder: CocoCaptions("s", coco(folder), ".", direction="image_to_text"),
    "webdataset": lambda folder: WebdatasetShards("s", tar(folder / "a.tar", {"a.jpg": b"image", "a.txt": LITERAL.encode()})),
    "huggingface": lambda folder: HuggingFace(
        "s",
        parquet(folder / "a.parquet", [{"ask": LITERAL, "for": "b"}]).parent,
        query={"text": "ask", "instruction": "ask"},
        positive={"text": "for"},
    ),
    "unite_json": lambda folder: UniteJson(
        "s", json_file(folder / "a.json", [{"query": {"text": LITERAL.replace("<|VIDEO|>", "")}, "candidate": {"text": "b"}}])
    ),
    "mmeb": lambda folder: Mmeb(
        "s", parquet(folder / "a.parquet", [{"qry": LITERAL, "qry_image_path": "", "pos_text": LITERAL, "pos_image_path": ""}])
    ),
    "webvid_covr": lambda folder: WebvidCovr(
        "s", write_csv(folder / "a.csv", ["txt1", "txt2", "edit", "pth1", "pth2"], [["a", "b", LITERAL, 1, 2]])
    ),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_place_that_people_wrote_is_text_in_every_recipe(tmp_path, name):
    (row,) = read_all(RECIPES[name](tmp_path))
    contents = (row.query, *row.positives)
    texts = [text for content in contents for text in (content.text, content.instruction) if "the" in text]
    assert texts and {plain_text(text, "").strip() for text in texts} == {
        LITERAL if name != "unite_json" else LITERAL.replace("<|VIDEO|>", "")
    }
    places = [place for text in texts for place in PLACES.findall(text)]
    assert places == (["<|VIDEO|>"] if name == "webvid_covr" else [])


def test_a_media_root_that_is_no_folder(tmp_path):
    file = write_csv(tmp_path / "a.csv", ["image", "caption"], [["1.jpg", "one"]])
    with pytest.raises(DataError, match="i.media_root must be a folder, but is 'the file .*a.csv'"):
        ImageCaptions("i", file, media_root=file)
    with pytest.raises(DataError, match="i.media_root must be a folder, but is '.*nowhere, which is not there'"):
        ImageCaptions("i", file, media_root=tmp_path / "nowhere")


def test_a_list_that_was_written_as_text_is_no_text(tmp_path):
    lists = ['["a", "b"]', str(["it's", 'a "b"']), str(np.array(["a", "b"])), str(("a",)).replace("(", "[").replace(")", "]"), "[]"]
    texts = ["[a] is not a list", "[1, 2, 3]", "[sic]", '["', 'see ["a"] here']
    file = write_csv(tmp_path / "a.csv", ["query", "pos"], [["q", value] for value in [*lists, *texts]])
    found = read_texts(TextPairs("t", file))
    assert found[5:] == [("q", text) for text in texts]
    assert found[0] == 'list as text: pos is \'["a", "b"]\': JSON Lines and parquet keep lists'
    assert all(str(one).startswith("list as text: ") for one in found[:5])


def test_a_picture_in_place_of_its_path_is_told_in_short(tmp_path):
    file = write_csv(tmp_path / "a.csv", ["image", "caption"], [["/9j/" + "A" * 100_000 + "=", "one"]])
    with pytest.raises(SkippedRowError, match="^missing file: .*/9j/A.* ... A.*=$") as told:
        loaded(ImageCaptions("i", file).read(0)).store()
    assert len(str(told.value)) < 1100
