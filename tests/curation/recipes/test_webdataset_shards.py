import tarfile
from io import BytesIO

import pytest

from tests.curation.recipes.material import read_all, read_texts, tar
from tests.media.material import clip, encoded, photograph
from unite.curation.recipes.webdataset_shards import WebdatasetShards
from unite.errors import DataError
from unite.types import Modality


def test_webdataset_shards(tmp_path):
    picture = encoded(photograph())
    tar(
        tmp_path / "00000.tar",
        {"000.jpg": picture, "000.txt": b" a cat ", "000.json": b'{"url": "http://x", "license": "CC0", "caption": "other"}'},
    )
    tar(tmp_path / "00001.tar", {"000.jpg": picture, "000.json": b"no json", "001.txt": b"no picture", "002.jpg": picture, "002.txt": b""})
    first, *skipped = read_all(WebdatasetShards("w", tmp_path / "*.tar", licence_field="license"))
    assert first.query.text == "a cat" and first.positives[0].media[0].data == picture and first.licence == "CC0"
    assert first.metadata == {"sample": "00000.tar/000", "url": "http://x", "caption": "other"}
    assert skipped == ["unreadable record", "missing file", "empty field"]
    assert read_all(WebdatasetShards("w", tmp_path / "00000.tar", caption="caption"))[0].query.text == "other"
    tar(tmp_path / "avif.tar", {"0.avif": encoded(photograph(), "AVIF"), "0.txt": b"a cat", "1.JFIF": picture, "1.txt": b"a dog"})
    assert [one.positives[0].media[0].data[:3] for one in read_all(WebdatasetShards("w", tmp_path / "avif.tar"))] == [
        b"\0\0\0",
        picture[:3],
    ]
    tar(tmp_path / "video.tar", {"7.mp4": clip(4), "7.txt": b"a clip"})
    (video,) = read_all(WebdatasetShards("w", tmp_path / "video.tar", medium="video", direction="video_to_text"))
    assert video.query.media[0].modality is Modality.VIDEO


def test_a_tar_whose_member_leaves_its_folder_is_refused_by_name(tmp_path):
    tar(tmp_path / "evil.tar", {"../../evil.jpg": b"x"})
    with pytest.raises(DataError, match=r"a member of .*evil.tar must be a name inside its folder, but is '../../evil.jpg'"):
        len(WebdatasetShards("w", tmp_path / "evil.tar"))


def test_members_of_a_tar_that_are_no_text_and_no_object(tmp_path):
    picture = encoded(photograph())
    with tarfile.open(tmp_path / "w.tar", "w") as file:
        for name, data in {
            "0.jpg": picture,
            "0.json": b"[1]",
            "1.jpg": picture,
            "1.txt": b"caf\xe9",
            "2.jpg": picture,
            "2.txt": b"ok",
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, BytesIO(data))
    found = read_texts(WebdatasetShards("w", tmp_path / "w.tar"))
    assert found[0] == "unreadable record: w.tar/0.json is list, not an object"
    assert found[1].startswith("not UTF-8: w.tar/1.txt") and found[2][0] == "ok"


@pytest.mark.parametrize("option", ["caption", "licence_field"])
def test_a_field_that_an_option_names_and_the_json_lacks_is_an_error(tmp_path, option):
    tar(tmp_path / "w.tar", {"0.jpg": b"x", "0.json": b"no json", "1.jpg": b"x", "1.json": b'{"text": "a", "license": "CC0"}'})
    with pytest.raises(DataError, match="the JSON in .*w.tar must be such that licence is among them.*The fields found are: text, license"):
        WebdatasetShards("w", tmp_path / "w.tar", **{option: "licence"})
    assert len(WebdatasetShards("w", tmp_path / "w.tar", **{option: "license"})) == 2
