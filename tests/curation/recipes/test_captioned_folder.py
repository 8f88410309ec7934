from tests.curation.recipes.material import read_texts
from tests.media.material import encoded, photograph
from unite.curation.pipeline import Curation
from unite.curation.raw import NO_SAMPLE
from unite.curation.recipes.image_captions import ImageFolder
from unite.files import read_lines


def folder_of(folder, names):
    """Writes files whose content is their name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return ImageFolder("f", folder)


def test_a_caption_is_that_of_the_picture_with_its_name(tmp_path):
    names = ["my.cat.photo", "my.cat", "a.b/c.d", "deep/my.cat", "a ", " a", "a", "A", "ü"]
    recipe = folder_of(tmp_path, [f"{name}{suffix}" for name in names for suffix in (".jpg", ".txt")])
    found = {recipe.read(at).metadata["file"]: recipe.read(at).query.text for at in range(len(recipe))}
    assert found == {f"{name}.jpg": f"{name}.txt".strip() for name in names}


def test_a_suffix_may_be_in_capitals_and_two_pictures_may_have_one_caption(tmp_path):
    recipe = folder_of(tmp_path, ["a.JPG", "a.TXT", "b.jpg", "b.PNG", "b.Txt"])
    assert [recipe.read(at).query.text for at in range(len(recipe))] == ["a.TXT", "b.Txt", "b.Txt"]


def test_names_that_are_nearly_those_of_a_picture_are_told_and_not_taken(tmp_path):
    names = ["Photo.PNG", "photo.txt", "blank .jpg", "blank.txt", "u\u0308.jpg", "\u00fc.txt", "two.jpg", "two.txt", "two.TXT"]
    told = dict(enumerate(read_texts(folder_of(tmp_path, names))))
    pictures = ["Photo.PNG", "blank .jpg", "two.jpg", "u\u0308.jpg"]
    assert [told.pop(at) for at in range(len(pictures))] == [
        "missing file: Photo.txt with the caption of Photo.PNG; there is photo.txt, which is another name",
        "missing file: blank .txt with the caption of blank .jpg; there is blank.txt, which is another name",
        "several members: two.TXT and two.txt for two.jpg",
        "missing file: u\u0308.txt with the caption of u\u0308.jpg; there is \u00fc.txt, which is another name",
    ]
    assert [*told.values()] == [f"missing file: the picture of the caption {name}" for name in ("blank.txt", "photo.txt", "\u00fc.txt")]


def test_files_that_are_nobodys_are_named_and_are_no_unusable_records(tmp_path):
    (tmp_path / "f").mkdir()
    strange = ["readme.md", "._0.jpg", "._0.txt", ".ipynb_checkpoints/0.jpg", "__MACOSX/0.jpg", "clip.mp4"]
    folder_of(tmp_path / "f", ["0.txt", "1.txt", *strange, "0.jpg"])
    (tmp_path / "f" / "0.jpg").write_bytes(encoded(photograph()))
    (tmp_path / "linked").mkdir()
    (tmp_path / "f" / "link").symlink_to(tmp_path / "linked")
    sheet = Curation([ImageFolder("f", tmp_path / "f")], out=tmp_path / "set", workers=1, progress=False).run()
    assert sheet["funnel"][0]["dropped"] == {"missing file": 1, NO_SAMPLE: 7} and sheet["totals"]["rows"] == 1
    assert [line["detail"] for line in read_lines(tmp_path / "set" / "skipped.jsonl")] == [
        "the picture of the caption 1.txt",
        "._0.jpg: a hidden file",
        "._0.txt: a hidden file",
        ".ipynb_checkpoints: a hidden folder",
        "__MACOSX: a hidden folder",
        "clip.mp4: neither picture nor caption",
        "link: a link to a folder",
        "readme.md: neither picture nor caption",
    ]
