import os

import pytest
from PIL import Image

from tests.curation.material import loaded
from tests.curation.recipes.material import json_file, json_lines, parquet, paths, read_all, read_texts, tar
from tests.media.material import encoded, photograph
from tests.written import write_csv
from unite.curation.recipes.image_captions import ImageCaptions, ImageFolder
from unite.curation.recipes.webdataset_shards import WebdatasetShards
from unite.errors import DataError
from unite.media.picture import FORMATS


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
        found = read_all(recipe)
        assert [one.query.text for one in found] == ['say "0"', 'say "1"', 'say "2"'], suffix
        assert [one.licence for one in found] == ["other", "CC0", "CC0"]
        assert paths(found[2].positives[0]) == [str(tmp_path / "000000002.jpg")] and found[2].metadata == {"url": "http://x/2"}
    inside = [{"image": {"bytes": b"\xff\xd8", "path": None}, "caption": "a"}, {"image": {"bytes": None, "path": "b.jpg"}, "caption": "b"}]
    first, second = read_all(ImageCaptions("i", parquet(tmp_path / "inside.parquet", inside)))
    assert first.positives[0].media[0].data == b"\xff\xd8" and paths(second.positives[0]) == [str(tmp_path / "b.jpg")]
    back = read_all(ImageCaptions("i", tmp_path / "a.csv", image="key", direction="image_to_text", instruction="Find a caption"))[0]
    assert back.positives[0].text == 'say "0"' and back.query.instruction == "Find a caption" and len(back.query.media) == 1


def test_blanks_around_a_path_are_part_of_it_where_a_file_has_them(tmp_path):
    for name in ("a.jpg", " a.jpg", "b .jpg", "c.jpg"):
        (tmp_path / name).touch()
    named = [("a.jpg", ""), (" a.jpg", ""), ("b ", ".jpg"), (" c.jpg ", ""), (" gone.jpg", "")]
    found = []
    for name, suffix in named:
        table = json_lines(tmp_path / "a.jsonl", [{"image": name, "caption": " x "}])
        found += paths(read_all(ImageCaptions("i", table, image_suffix=suffix))[0].positives[0])
    assert found == [str(tmp_path / name) for name in ("a.jpg", " a.jpg", "b .jpg", "c.jpg", "gone.jpg")]


def test_columns_within_objects(tmp_path):
    record = {"picture": {"file": "a.jpg", "by": {"licence": "CC0"}}, "texts": {"en": "a cat"}, "id": 3}
    options = {"image": "picture.file", "caption": "texts.en", "licence_column": "picture.by.licence"}
    (row,) = read_all(ImageCaptions("i", json_lines(tmp_path / "a.jsonl", [record]), **options))
    assert (row.query.text, paths(row.positives[0]), row.licence) == ("a cat", [str(tmp_path / "a.jpg")], "CC0")
    assert row.metadata == {"id": "3"}


def test_image_folder(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b.jpg", "a.png", "deep/c.JPG"):
        (tmp_path / name).write_bytes(b"image")
    (tmp_path / "a.txt").write_text(" a caption\n")
    (tmp_path / "deep" / "c.txt").write_text("\n")
    first, second, third = read_all(ImageFolder("f", tmp_path))
    assert first.query.text == "a caption" and first.metadata == {"file": "a.png"}
    assert (second, third) == ("missing file", "empty field")
    with pytest.raises(DataError, match="f.folder must be a folder with images"):
        ImageFolder("f", tmp_path / "nowhere")


def test_an_image_folder_sees_whatever_is_decoded(tmp_path):
    """An image of every format that Pillow writes and we read, under every suffix that Pillow knows it by."""
    Image.init()
    suffixes = [suffix for suffix, format in Image.registered_extensions().items() if format in FORMATS and format in Image.SAVE]
    assert {".avif", ".jfif", ".webp", ".tiff", ".bmp", ".jp2", ".pgm"} <= set(suffixes)
    for number, suffix in enumerate(suffixes):
        data = encoded(photograph(number, 32, 32), Image.registered_extensions()[suffix])
        (tmp_path / f"{number}{suffix}").write_bytes(data)
        (tmp_path / f"{number}.txt").write_text("a cat")
    recipe = ImageFolder("f", tmp_path)
    found = [loaded(recipe.read(at)).media[0].ready.size for at in range(len(recipe))]
    assert found == [(32, 32)] * len(suffixes)


def test_an_image_folder_with_loops_and_names_in_no_encoding(tmp_path):
    for name in ("a", "b", "loop"):
        (tmp_path / f"{name}.txt").write_bytes(b"caf\xe9" if name == "a" else b"a cat")
    for name in ("a.jpg", "b.jpg", os.fsdecode(b"\xff.jpg")):
        (tmp_path / name).write_bytes(encoded(photograph()))
    (tmp_path / os.fsdecode(b"\xff.txt")).write_text("a dog")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "up").symlink_to("..")
    recipe = ImageFolder("f", tmp_path)
    assert [one if isinstance(one, str) else one[0] for one in read_texts(recipe)][1:] == [
        *("a cat", "a cat", "a dog"),
        "of no sample: up: a link to a folder",
    ]
    assert read_texts(recipe)[0].startswith("not UTF-8: a.txt") and recipe.fingerprint()


def test_a_byte_order_mark_is_no_part_of_a_caption(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.txt").write_text("a cat\r\n", encoding="utf-8-sig")  # as Windows writes it
    assert read_texts(ImageFolder("f", tmp_path)) == [("a cat", "")]
    shards = tar(tmp_path / "a.tar", {"a.jpg": b"image", "a.txt": (tmp_path / "a.txt").read_bytes()})
    assert read_texts(WebdatasetShards("w", shards)) == [("a cat", "")]
