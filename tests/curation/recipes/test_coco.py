import gzip
import json

import pytest

from tests.curation.recipes.material import json_file, read_all, read_texts
from unite.curation.recipes.coco import CocoCaptions
from unite.errors import DataError, SkippedRowError


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
    by_caption = read_all(CocoCaptions("coco", file, tmp_path, licence="unknown"))
    assert [one.query.text for one in by_caption] == ["a cat", "cats", "a dog"]
    assert by_caption[0].positives[0].group == by_caption[1].query.group == "coco/7"
    assert by_caption[2].licence == "Attribution License" and by_caption[0].licence == "unknown"
    by_image = read_all(CocoCaptions("coco", file, tmp_path, direction="image_to_text"))
    assert [[text.text for text in one.positives] for one in by_image] == [["a cat", "cats"], ["a dog"]]
    with pytest.raises(DataError, match="the lists images and annotations, but is 'list'"):
        len(CocoCaptions("coco", json_file(tmp_path / "no.json", []), "."))


@pytest.mark.parametrize(("direction", "num_rows"), [("text_to_image", 2), ("image_to_text", 1)])
def test_annotations_without_caption_or_image_are_named(tmp_path, direction, num_rows):
    captions = [(7, "a cat"), (7, None), (8, "nobody's"), (7, "  "), (7, ["a"]), (7, 5), (9, None)]
    whole = {
        "images": [{"id": 7, "file_name": "7.jpg"}, {"id": 9, "file_name": "9.jpg"}],
        "annotations": [{"id": at, "image_id": image, "caption": text} for at, (image, text) in enumerate(captions)],
    }
    recipe = CocoCaptions("coco", json_file(tmp_path / "captions.json", whole), ".", direction=direction)
    rows = read_all(recipe)
    texts = [[one.text for one in (row.query, *row.positives) if one.text] for row in rows[:num_rows]]
    assert texts == ([["a cat"], ["5"]] if num_rows == 2 else [["a cat", "5"]])
    assert rows[num_rows:] == ["empty field", "no such image", "empty field", "unreadable record", "empty field"]
    for at, told in {
        1: "no such image: annotation 2 of image 8, which is not listed",
        0: "annotation 1 of image 7: caption is empty",
    }.items():
        with pytest.raises(SkippedRowError, match=told):
            recipe.read(num_rows + at)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        (
            '{"images": [{"id": 1, "file_name": "x"}], "annotations": [{"image_id": 1, "bbox": []}]}',
            "must be COCO's captions, with .*, but is 'nothing that has an image_id and caption'.*captions_.*json",
        ),
        ('{"images": [1], "annotations": [{"image_id": 1, "caption": "a"}]}', "nothing that has an id and file_name"),
        ('{"images": {"1": "a.jpg"}, "annotations": []}', "must be an object with the lists images, but is"),
    ],
)
def test_other_json_of_coco_is_refused(tmp_path, text, message):
    path = tmp_path / "instances.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        len(CocoCaptions("c", path, "."))


@pytest.mark.parametrize("name", ["captions.json", "captions.json.gz"])
def test_images_and_annotations_that_lack_something_cost_their_captions_and_no_others(tmp_path, name):
    images = [
        {"id": 1, "file_name": "1.jpg", "license": 9},
        {"id": 1, "file_name": "1.jpg"},
        *({"id": 2, "file_name": f"{folder}/2.jpg"} for folder in "ab"),  # of two files that were joined
        *({"id": 3}, {"id": 4, "file_name": None}, {"id": 5, "file_name": 5}, {"file_name": "6.jpg"}, None, "7.jpg"),
    ]
    annotations = [
        *({"id": 10 + image, "image_id": image, "caption": f"of {image}"} for image in range(1, 7)),
        None,
        {"caption": "nobody's"},
    ]
    annotations += [{"id": 20, "image_id": 1}, {"id": 21, "image_id": [1], "caption": "x"}, {"id": 22, "image_id": "1", "caption": "x"}]
    data = json.dumps({"images": images, "annotations": annotations, "licenses": None}).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    found = read_texts(CocoCaptions("coco", tmp_path / name, tmp_path))
    assert found[0] == ("of 1", "") and found[1:] == [
        "no such image: annotation 12 of image 2, which is listed more than once, with different files",
        *(f"no such image: annotation 1{image} of image {image}, which has no file_name" for image in (3, 4, 5)),
        "no such image: annotation 16 of image 6, which is not listed",
        *(f"unreadable record: annotation number {number} has no image_id" for number in (6, 7)),
        "empty field: annotation 20 of image 1: caption is empty",
        "unreadable record: annotation number 9 has no image_id",
        "no such image: annotation 22 of image 1, which is not listed",
    ]
