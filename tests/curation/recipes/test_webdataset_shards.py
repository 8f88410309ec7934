"""Other people's tars. Of `sample_tar.py` too."""

import gzip
import lzma
import tarfile
from io import BytesIO

import numpy as np
import pytest
import webdataset

from tests.curation.material import loaded
from tests.curation.recipes.material import read_all, read_texts, tar
from tests.media.material import clip, encoded, photograph
from unite.curation.pipeline import Curation
from unite.curation.recipes.webdataset_shards import WebdatasetShards
from unite.data.shards import ShardReader
from unite.errors import DataError, SkippedRowError
from unite.files import read_lines
from unite.types import Modality


def test_webdataset_shards(tmp_path):
    picture = encoded(photograph())
    tar(
        tmp_path / "00000.tar",
        {"000.jpg": picture, "000.txt": b" a cat ", "000.json": b'{"url": "http://x", "license": "CC0", "caption": "other"}'},
    )
    tar(
        tmp_path / "00001.tar",
        {"000.jpg": picture, "000.txt": b"a", "000.json": b"no json", "001.txt": b"no picture", "002.jpg": picture, "002.txt": b""},
    )
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


def test_animated_pictures_are_videos_where_videos_are_asked_for(tmp_path):
    moving, poster = encoded(photograph(), "WEBP"), encoded(photograph(1), "GIF")
    tar(
        tmp_path / "w.tar", {"0.webp": moving, "0.txt": b"a", "1.gif": poster, "1.ts": b"film", "1.txt": b"b", "2.png": b"x", "2.txt": b"c"}
    )
    first, second, third = read_all(WebdatasetShards("w", tmp_path / "w.tar", medium="video"))
    assert [one.positives[0].media[0].data for one in (first, second)] == [moving, b"film"]  # a poster beside a film is none
    assert third == "missing file"


def test_a_tar_whose_member_leaves_its_folder_is_refused_by_name(tmp_path):
    tar(tmp_path / "evil.tar", {"../../evil.jpg": b"x"})
    with pytest.raises(DataError, match=r"a member of .*evil.tar must be a name inside its folder, but is '../../evil.jpg'"):
        len(WebdatasetShards("w", tmp_path / "evil.tar"))


def test_members_of_a_tar_that_are_no_text_and_no_object(tmp_path):
    picture = encoded(photograph())
    with tarfile.open(tmp_path / "w.tar", "w") as file:
        for name, data in {
            "0.jpg": picture,
            "0.txt": b"a",
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
    message = f"the JSON in .*w.tar must be such that licence is among them.*The fields found are: text, license. Set w.{option}="
    with pytest.raises(DataError, match=message):
        WebdatasetShards("w", tmp_path / "w.tar", **{option: "licence"})
    assert len(WebdatasetShards("w", tmp_path / "w.tar", **{option: "license"})) == 2


def read_by_webdataset(path):
    """The same rows as webdataset's own reader makes of a tar, its decoder of `.gz` members included."""
    dataset = webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False).decode()
    return [(one["__key__"], one.get("txt", one.get("txt.gz"))) for one in dataset]


def gzipped(path, name):
    path.with_name(name).write_bytes(gzip.compress(path.read_bytes()))
    return path.with_name(name)


def test_tars_by_webdatasets_own_writers(tmp_path):
    picture = np.asarray(photograph())
    with webdataset.ShardWriter(str(tmp_path / "%02d.tar"), maxcount=2, verbose=0) as writer:
        for at in range(5):
            writer.write({"__key__": f"a/{at}", "jpg": picture, "txt": f"text {at}", "json": {"number": at}, "cls": at})
    with webdataset.TarWriter(str(tmp_path / "05.tar.gz")) as writer:
        writer.write({"__key__": "b", "png": picture, "txt.gz": "packed", "json.gz": {"number": 5}})
    rows = read_all(WebdatasetShards("w", tmp_path))
    theirs = [one for path in sorted(tmp_path.iterdir()) for one in read_by_webdataset(path)]
    assert [(row.metadata["sample"].split("/", 1)[1], row.query.text) for row in rows] == theirs
    assert [row.metadata["number"] for row in rows] == list("012345")
    assert [row.metadata.get("unused members", "") for row in rows] == ["cls"] * 5 + [""]
    assert all(loaded(row).media[0].size == photograph().size for row in rows)


@pytest.mark.parametrize("name", ["w.tar.gz", "w.tgz", "w.tar"])
def test_a_gzipped_tar_is_read_whatever_its_name(tmp_path, name):
    plain = tar(tmp_path / "plain", {f"{at}.{extension}": f"{at}".encode() for at in range(20) for extension in ("jpg", "txt")})
    packed = gzipped(plain, name)
    rows = read_all(WebdatasetShards("w", packed))
    assert [row.query.text for row in rows] == [text for _, text in read_by_webdataset(plain)] == [str(at) for at in range(20)]
    assert [row.positives[0].media[0].data for row in rows] == [str(at).encode() for at in range(20)]
    assert WebdatasetShards(
        "w", gzipped(tar(tmp_path / "j", {"0.jpg": b"x", "0.json.gz": gzip.compress(b'{"a": "b"}')}), "j.tgz"), caption="a"
    )
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(DataError, match=rf"{name} is no whole gzip file .*Copy or write it again"):
        len(WebdatasetShards("w", packed))


@pytest.mark.parametrize("letters", [2, 256])
def test_a_gzipped_tar_that_is_broken_in_the_middle(tmp_path, letters):
    """Of what can be compressed zlib loses its place; of noise the checksum at the end alone tells."""
    noise = np.random.default_rng(0).integers(letters, size=40_000).astype(np.uint8).tobytes()
    plain = tar(tmp_path / "plain", {"0.jpg": noise, "0.json": b'{"a": "b"}', "0.txt": b"c"})
    data = bytearray(gzipped(plain, "w.tgz").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 99] = bytes(99)
    (tmp_path / "w.tgz").write_bytes(data)
    for caption in ("", "a"):
        with pytest.raises(DataError, match="w.tgz is no whole gzip file"):
            len(WebdatasetShards("w", tmp_path / "w.tgz", caption=caption))


def test_other_compressions_and_what_is_no_tar(tmp_path):
    (tmp_path / "w.tar").write_bytes(lzma.compress(tar(tmp_path / "plain", {"0.txt": b"a"}).read_bytes()))
    with pytest.raises(DataError, match=r"w.tar must be a tar, or one compressed by gzip, but is 'compressed by xz'. Unpack it"):
        len(WebdatasetShards("w", tmp_path / "w.tar"))
    for data in (b"<html>not found</html>" * 100, b"", bytes(512), (tmp_path / "plain").read_bytes()[:700]):
        (tmp_path / "w.tar").write_bytes(data)
        with pytest.raises(DataError, match=r"w\.tar is (not a whole tar file|truncated)"):
            len(WebdatasetShards("w", tmp_path / "w.tar"))


def test_names_in_no_encoding(tmp_path):
    with tarfile.open(tmp_path / "w.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as file:
        for name, data in (("caf\xe9.jpg", encoded(photograph())), ("caf\xe9.txt", b"a cup"), ("\xe9", b"")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, BytesIO(data))
    Curation([WebdatasetShards("w", tmp_path / "w.tar")], out=tmp_path / "set", workers=1, progress=False).run()
    assert next(iter(ShardReader.of_folder(tmp_path / "set" / "w" / "text-to-image"))).query.text == "a cup"
    (line,) = read_lines(tmp_path / "set" / "skipped.jsonl")
    assert line["detail"] == "w.tar/\udce9: a name without a dot"


def test_of_several_members_the_plain_one_is_taken_and_the_others_are_named(tmp_path, caplog):
    members = {"0.seg.png": b"s", "0.JPG": b"x", "0.en.txt": b"english", "0.txt": b"plain", "0.meta.json": b"{}", "0.cls": b"3"}
    path = tar(tmp_path / "w.tar", members | {f"1{name[1:]}": data for name, data in members.items()})
    first, second = read_all(WebdatasetShards("w", path))
    assert (first.query.text, first.positives[0].media[0].data) == ("plain", b"x")
    assert first.metadata == {"sample": "w.tar/0", "unused members": "seg.png, en.txt, cls"} and second.metadata["sample"] == "w.tar/1"
    assert "w: of 2 samples, members that no row is made of: seg.png (2), en.txt (2), cls (2)" in caplog.text
    other = read_all(WebdatasetShards("w", path, medium_member="seg.png", text_member="en.txt"))[0]
    assert (other.query.text, other.positives[0].media[0].data) == ("english", b"s")
    assert other.metadata["unused members"] == "JPG, txt, cls"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (["0.0.jpg", "0.1.jpg", "0.txt"], "several members: w.tar/0 has 0.jpg, 1.jpg: say which by medium_member"),
        (["0.jpg", "0.png", "0.txt"], "several members: w.tar/0 has jpg, png: say which by medium_member"),
        (["0.jpg", "0.txt", "0.caption"], "several members: w.tar/0 has txt, caption: say which by text_member"),
        (["0.jpg", "0.JPG", "0.txt"], "member twice: w.tar/0 has 0.jpg, 0.JPG"),
        (["0.jpg", "0.jpg", "0.txt"], "member twice: w.tar/0 has 0.jpg, 0.jpg"),
        (["0.jpg", "0.txt.gz"], "unreadable file: w.tar/0.txt.gz is no whole gzip file (Not a gzipped file (b'0.'))"),
        (["Photo.png", "photo.txt"], "missing file: w.tar/Photo has png, none of txt, text, caption"),
        (["0 .png", "0.txt"], "missing file: w.tar/0  has png, none of txt, text, caption"),
        (["a/0.png", "b/0.txt"], "missing file: w.tar/a/0 has png, none of txt, text, caption"),
    ],
)
def test_what_is_in_doubt_is_left_out_and_named(tmp_path, members, expected):
    with tarfile.open(tmp_path / "w.tar", "w") as file:
        for name in members:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            file.addfile(info, BytesIO(name.encode()))
    assert read_texts(WebdatasetShards("w", tmp_path / "w.tar"))[0] == expected


def test_json_in_doubt_is_left_out_only_where_it_is_needed(tmp_path):
    path = tar(tmp_path / "w.tar", {"0.jpg": b"x", "0.txt": b"a", "0.a.json": b'{"t": "A"}', "0.b.json": b'{"t": "B"}'})
    (row,) = read_all(WebdatasetShards("w", path))
    assert row.metadata == {"sample": "w.tar/0", "unused members": "a.json, b.json"}
    assert read_texts(WebdatasetShards("w", path, caption="t")) == ["several members: w.tar/0 has a.json, b.json: say which by json_member"]
    assert read_texts(WebdatasetShards("w", path, caption="t", json_member="b.json"))[0][0] == "B"


def test_a_field_of_the_json_does_not_hide_where_a_row_is_from(tmp_path):
    path = tar(tmp_path / "w.tar", {"0.jpg": b"x", "0.txt": b"a", "0.json": b'{"sample": "theirs"}'})
    assert read_all(WebdatasetShards("w", path))[0].metadata == {"sample": "w.tar/0", "json.sample": "theirs"}


def test_a_tar_by_macos_with_links_in_it_is_no_tar_of_unusable_records(tmp_path):
    """Each file has its twin `._x`: named, but no record that cannot be used."""
    with tarfile.open(tmp_path / "w.tar", "w") as file:
        for at, name in enumerate(["0.jpg", "0.txt", "1.txt", "README"]):
            for twin in (f"./._{name}", f"./{name}"):
                info = tarfile.TarInfo(twin)
                data = encoded(photograph(at)) if name == "0.jpg" else b"a text"
                info.size = len(data)
                file.addfile(info, BytesIO(data))
        for name, target, kind in (("1.jpg", "0.jpg", tarfile.LNKTYPE), ("2.jpg", "0.jpg", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(f"./{name}")
            info.type, info.linkname = kind, f"./{target}" if kind == tarfile.LNKTYPE else target
            file.addfile(info)
    recipe = WebdatasetShards("w", tmp_path / "w.tar")
    sheet = Curation([recipe], out=tmp_path / "set", workers=1, progress=False).run()
    rows = list(ShardReader.of_folder(tmp_path / "set" / "w" / "text-to-image"))
    assert len(rows) == 2 and rows[0].positives == rows[1].positives  # a hard link is the file
    assert sheet["funnel"][0]["dropped"] == {"of no sample": 6}
    assert [line["detail"] for line in read_lines(tmp_path / "set" / "skipped.jsonl")] == [
        "w.tar/2.jpg: a symbolic link to 0.jpg",
        *(f"w.tar/._{name}: a hidden file" for name in ("0.jpg", "0.txt", "1.txt", "README")),
        "w.tar/README: a name without a dot",
    ]


def test_a_medium_that_cannot_be_read_is_named_by_its_tar(tmp_path):
    path = tar(tmp_path / "w.tar", {"a/0.jpg": b"", "a/0.txt": b"a", "a/1.jpg": b"x", "a/1.txt": b"b"})
    for at, reason in enumerate(("empty file: w.tar/a/0.jpg", "broken image: w.tar/a/1.jpg")):
        with pytest.raises(SkippedRowError, match=reason):
            _ = loaded(WebdatasetShards("w", path).read(at)).media[0].ready


def test_tars_of_one_name_in_several_folders_are_told_apart(tmp_path):
    for folder in ("a", "b/c"):
        (tmp_path / folder).mkdir(parents=True)
        tar(tmp_path / folder / "0.tar", {"0.jpg": b"x", "0.txt": b"t"})
    rows = read_all(WebdatasetShards("w", tmp_path / "**" / "*.tar"))
    assert [row.metadata["sample"] for row in rows] == ["a/0.tar/0", "b/c/0.tar/0"]


def test_a_folder_without_tars(tmp_path):
    with pytest.raises(DataError, match=r"w.shards must be a folder with .tar, .tar.gz, .tgz files, but is '.*'"):
        WebdatasetShards("w", tmp_path)
