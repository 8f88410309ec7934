import pytest

from tests.curation.recipes.material import json_file, read_all
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
    by_caption = read_all(CocoCaptions("coco", file, "/train2017", licence="unknown"))
    assert [one.query.text for one in by_caption] == ["a cat", "cats", "a dog"]
    assert by_caption[0].positives[0].group == by_caption[1].query.group == "coco/7"
    assert by_caption[2].licence == "Attribution License" and by_caption[0].licence == "unknown"
    by_image = read_all(CocoCaptions("coco", file, "/train2017", direction="image_to_text"))
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
        ('{"images": [{"id": 1, "file_name": "x"}], "annotations": [{"image_id": 1, "bbox": []}]}', "KeyError.*captions_.*json"),
        ('{"images": [1], "annotations": []}', "must be COCO's captions, with id, file_name, image_id and caption"),
    ],
)
def test_other_json_of_coco_is_refused(tmp_path, text, message):
    path = tmp_path / "instances.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        len(CocoCaptions("c", path, "."))
