"""The set, made as a user makes it, of packages that fake clients deliver.

By way of it `build/stamps.py`, `__main__.py`, `drawing.py`, `tuxpaint.py`, `emoji.py`, `clipart.py`, `gathering.py`, `items.py`,
`writing.py` and `world.py`.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from omegaconf import OmegaConf

from tests.composed import composed
from tests.worlds.stamps.material import ANIMALS, clients
from unite.build import stamps as build_stamps
from unite.build.early import check_stamps
from unite.config.schema import StampsConfig, StampsWorldConfig
from unite.data.shards import ShardReader
from unite.data.tasks import read_task
from unite.errors import ConfigError, DataError, UniteError
from unite.worlds.stamps import StampsWorld
from unite.worlds.stamps.packages import COLLECTIONS, packages
from unite.worlds.terms import terms_of


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stamps")
    programs, log = clients(folder / "clients")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        patch.setattr(build_stamps, "packages", lambda *wanted: tuple(replace(one, sha256="") for one in packages(*wanted)))

        def make(data_root="data", *options):
            given = [f"data_root={folder}/{data_root}", f"cache={folder}/cache", "curation.workers=1", "test_share=0.4", *options]
            return build_stamps.make_stamps(composed("stamps", *given))

        yield folder, make(), make, log.read_text()


def rows_of(folder):
    return list(ShardReader.of_folder(folder))


def told_by(folder):
    return {content.text for row in rows_of(folder) for content in (row.query, *row.positives) if content.text}


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_kind_of_pair_is_there_and_no_held_out_concept_is_trained_on(made):
    folder, manifest, _, _ = made
    data = folder / "data" / "stamps"
    kinds = {"tuxpaint", "tuxpaint_languages", "emoji", "emoji_languages", "emoji_keywords", "openmoji", "clipart", "clipart_keywords"}
    both = {f"{kind}/{direction}" for kind in kinds for direction in ("t2i", "i2t")} | {"style/i2i"}
    assert (
        {name.removeprefix("train/") for name in manifest["sources"]} == {name.removeprefix("test/") for name in manifest["tasks"]} == both
    )
    assert manifest["sources"] == {name: len(rows_of(data / name)) for name in manifest["sources"]}
    concepts = {side: {row.query.group or row.query.text for row in shards} for side, shards in _all_rows(data).items()}
    assert concepts["train"].isdisjoint(concepts["test"])
    assert manifest["concepts"]["all"] == {side: len(found) for side, found in concepts.items()}
    assert sum(manifest["concepts"]["all"].values()) == len(ANIMALS)


def _all_rows(data):
    train = [row for folder in sorted(data.glob("train/*/*")) for row in rows_of(folder)]
    test = [row for folder in sorted(data.glob("test/*/*/queries")) for row in rows_of(folder)]
    return {"train": train, "test": test}


def test_captions_are_those_that_people_wrote_in_their_languages(made):
    folder, _, _, _ = made
    data = folder / "data" / "stamps"
    trained = told_by(data / "train/tuxpaint/t2i")
    held_out = {row.query.text for row in read_task(data / "test/tuxpaint/t2i").queries}
    captions = {f"{'An' if name[0] in 'aei' else 'A'} {name}." for name in ANIMALS}
    assert trained | held_out == captions and trained.isdisjoint(held_out)
    (name, *_) = (caption.rstrip(".").split()[1] for caption in sorted(held_out))
    foreign = {row.query.text for row in read_task(data / "test/tuxpaint_languages/t2i").queries}
    assert {text for text in foreign if name in text} == {
        f"Tier {name}.",
        f"Bête {name}.",
        f"动物 {name}。",
    }  # not what stands there in English
    assert all(text.startswith(("de ", "fr ")) for text in told_by(data / "train/emoji_languages/i2t"))
    assert {row.query.text for row in rows_of(data / "train/clipart_keywords/t2i")} <= {f"farm animal, {name}" for name in ANIMALS}
    texts = (data / "texts.txt").read_text(encoding="utf-8").splitlines()
    assert len(set(texts)) == len(texts) and trained < set(texts) and not held_out & set(texts)
    assert list(StampsWorld(StampsWorldConfig(root=str(folder / "data"))).texts()) == texts


def test_letters_mirror_images_and_what_shows_nothing_are_left_out(made):
    folder, _, _, _ = made
    sheet = json.loads((folder / "data/stamps/datasheet.json").read_text())
    dropped = {step["step"]: step["dropped"] for step in sheet["sources"]["tuxpaint"]["funnel"]}
    assert sheet["sources"]["tuxpaint"]["in"] == len(ANIMALS) + 2  # a mirror image and a letter; what has no caption is no record
    assert dropped["letters"] == {"text matches a pattern": 1} and dropped["copies"] == {"near duplicate": 1}
    assert sheet["sources"]["clipart"]["in"] == 6  # one has no size, one is no XML, a shape is of no name
    left_out = [json.loads(line) for line in (folder / "cache/raw/clipart/left_out.jsonl").read_text().splitlines()]
    assert [line["name"] for line in left_out] == ["animals/sized.svg"]
    assert sheet["licences"].keys() == {"GPL-2.0-only", "MIT", "CC-BY-SA-4.0", "LicenseRef-public-domain"}
    assert str(folder) not in json.dumps(sheet)


def test_a_style_is_asked_for_by_another_style_of_the_concept(made):
    folder, _, _, _ = made
    task = read_task(folder / "data/stamps/test/style/i2i")
    group = {row.key: row.query.group for row in (*task.queries, *task.candidates)}
    assert {query: {key for key in group if key != query and group[key] == group[query]} for query in task.relevance} == {
        query: set(found) for query, found in task.relevance.items()
    }
    assert all(row.query.group == row.positives[0].group for row in rows_of(folder / "data/stamps/train/style/i2i"))


def test_two_sets_are_equal_to_the_byte_and_the_second_asks_no_client(made):
    folder, _, make, asked = made
    make("again", f"runs_root={folder}/elsewhere")
    assert len(list(folder.glob("cache/curated-*"))) == 1  # where the log lies says nothing of the set
    assert digests(folder / "again") == digests(folder / "data")
    assert (folder / "clients/asked.txt").read_text() == asked and asked.count("\n") == 5
    assert make() == json.loads((folder / "data/stamps/manifest.json").read_text())
    with pytest.raises(ConfigError, match="data_root must be one without another set of stamps, but is .*data/stamps'. Name another"):
        make("data", "seed=1")


def test_some_collections_need_their_packages_alone(made):
    _, _, make, _ = made
    manifest = make("alone", "collections=[tuxpaint]")
    assert {name.split("/")[1] for name in manifest["sources"]} == {"tuxpaint", "tuxpaint_languages"}


def test_a_set_that_is_not_made_says_how_it_is(tmp_path):
    with pytest.raises(DataError, match=r"the stamps must be made .*Make it with `python -m unite.worlds.stamps data_root="):
        StampsWorld(StampsWorldConfig(root=str(tmp_path))).prepare()


def test_the_licences_and_languages_are_those_of_the_packages_and_of_the_command():
    known = terms_of(StampsWorld)
    assert set(known.licence.split(" AND ")) == {package.licence for package in packages(COLLECTIONS, [1, 2, 3, 4])}
    assert set(known.languages) == {"en", *StampsConfig().languages}


def test_the_command_refuses_what_is_wrong_all_at_once(tmp_path):
    wrong = ["collections=[tuxpain]", f"data_root={tmp_path}", "cache=null"]
    with pytest.raises(UniteError) as told:
        check_stamps(composed("stamps", *wrong))
    assert "cache must be a folder" in str(told.value) and "Did you mean 'tuxpaint'" in str(told.value)
    with pytest.raises(ConfigError, match="test_share must be above 0 and below 1, but is 1"):
        check_stamps(composed("stamps", "test_share=1.0"))


def test_the_command_tells_of_a_missing_client(tmp_path):
    environment = {**os.environ, "PATH": str(tmp_path), "UNITE_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "unite.worlds.stamps", "collections=[tuxpaint]", f"data_root={tmp_path}/data"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "without apt-get, dpkg" in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_every_option_of_the_curation_within_it_resolves():
    config = OmegaConf.to_container(composed("stamps"), resolve=True)
    assert config["curation"]["run_folder"].startswith("runs/stamps/")
