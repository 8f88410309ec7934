import json
import resource
from pathlib import Path

import pytest

from tests.curation.material import Rows, row
from tests.media.material import image_medium
from unite.config.schema.media import MediaPolicy
from unite.curation.pipeline import Curation
from unite.errors import ConfigError, DataError, UniteError
from unite.files import read_lines
from unite.media.ready import RawMedium
from unite.types import Modality


def curate(out, rows=None, name="rows", **options):
    return Curation([Rows(rows or [row()], name)], out=out, workers=1, progress=False, **options).run()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_text("something of mine")
    return path


@pytest.mark.parametrize("below", ["", "set"])
def test_out_that_is_a_file_or_lies_in_one(file, below):
    with pytest.raises(ConfigError, match="out must be a folder that can be written, but is '.*file.*(Not a directory|File exists)"):
        curate(file / below)
    assert file.read_text() == "something of mine"


def test_out_that_cannot_be_written():
    with pytest.raises(ConfigError, match=r"out must be a folder that can be written, but is '/proc/nothing \("):
        curate("/proc/nothing")


@pytest.mark.parametrize("name", ["", "..", ".work", "a/b", "a\\b", "datasheet.json", "x" * 101])
def test_a_name_that_is_no_folder_of_a_set(tmp_path, name):
    with pytest.raises(ConfigError, match="the name of a recipe must be a folder name of at most 100 characters that begins with no dot"):
        curate(tmp_path / "set", name=name)


def test_names_of_any_script_are_folders(tmp_path):
    assert list(curate(tmp_path / "ü 猫", name="naïve 猫")["folders"]) == ["naïve 猫/text-to-text"]
    assert "naïve 猫" in (tmp_path / "ü 猫" / "datasheet.html").read_text(encoding="utf-8")


def test_a_set_that_lost_a_shard_is_not_whole(tmp_path):
    curate(tmp_path)
    (tmp_path / "rows" / "text-to-text" / "shard-000000.tar").unlink()
    with pytest.raises(DataError, match="lacks 1 of its shards, rows/text-to-text/shard-000000.tar first. Copy them back, or remove it"):
        curate(tmp_path)


def test_a_set_made_when_the_policy_had_another_place_is_known_again(tmp_path):
    """At 2ff6e78 a plan named it `unite.curation.media.MediaPolicy`."""
    made = curate(tmp_path / "set")
    old = json.dumps(made).replace("unite.config.schema.media.MediaPolicy", "unite.curation.media.MediaPolicy")
    assert old != json.dumps(made)
    (tmp_path / "set" / "datasheet.json").write_text(old)
    assert curate(tmp_path / "set") == made
    with pytest.raises(ConfigError, match="It was made with other media. Choose another folder"):
        curate(tmp_path / "set", media=MediaPolicy(jpeg_quality=80))


def test_a_set_that_another_version_began_is_not_gone_on_with(tmp_path):
    """At 2ff6e78 a plan was noted without the layout of the parts."""
    made = curate(tmp_path / "set")
    (tmp_path / "begun" / ".work").mkdir(parents=True)
    (tmp_path / "begun" / ".work" / "plan.json").write_text(json.dumps(made["plan"]))
    with pytest.raises(ConfigError, match="It was made with other layout of .work. Choose another folder, or remove this one"):
        curate(tmp_path / "begun")


def test_a_datasheet_that_was_changed_is_named(tmp_path):
    curate(tmp_path)
    (tmp_path / "datasheet.json").write_text("{")
    with pytest.raises(ConfigError, match="datasheet.json is no JSON .* Something else changed it. Choose another folder for out"):
        curate(tmp_path)


def test_a_full_disk_says_so_and_the_run_goes_on_when_there_is_room(tmp_path, capfd):
    """A limit on the size of files stands for the disk: the system refuses to write on in the same way."""
    rows = [row(f"a {at}", "", positive_media=[image_medium()]) for at in range(12)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(UniteError, match=r"set cannot be written any further \(File too large\). Make room and run it again"):
            curate(tmp_path / "set", rows, rows_per_part=4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((tmp_path / "set").rglob("*.tar"))  # no half shard, and no second error when the writer is forgotten
    assert "Traceback" not in capfd.readouterr().err
    sheet = curate(tmp_path / "set", rows, rows_per_part=4)
    assert sheet["checksum"] == curate(tmp_path / "whole", rows, rows_per_part=4)["checksum"]


def test_file_names_in_no_encoding_are_told_and_read_back(tmp_path):
    strange = "gone-\udcff.jpg"
    rows = [row(), row(positive_media=[RawMedium(Modality.IMAGE, strange)])]
    curate(tmp_path, rows)
    (line,) = read_lines(tmp_path / "skipped.jsonl")
    assert line["detail"] == strange and json.loads(Path(tmp_path / "datasheet.json").read_text())["totals"]["rows"] == 1
