"""Packages by clients that are made here; no network is asked. `packages.py` is tested by way of it."""

import json
import os
import re
from dataclasses import replace

import pytest

from tests.worlds.stamps.material import TREES, clients
from unite.errors import ConfigError, DataError
from unite.worlds.stamps.fetching import fetch
from unite.worlds.stamps.packages import COLLECTIONS, FLUENT, NAMES, TUXPAINT, animated, packages

TUX, OWLS = replace(TUXPAINT, sha256=""), replace(FLUENT, sha256="")


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    programs, log = clients(tmp_path / "clients", {name: TREES[name] for name in (TUX.name, OWLS.name)})
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return programs.parent, log


def test_packages_are_fetched_once_by_their_client(on_path, tmp_path):
    _, log = on_path
    first = fetch([TUX, OWLS], tmp_path / "cache")
    assert fetch([TUX, OWLS], tmp_path / "cache") == first
    assert log.read_text().splitlines() == [f"apt-get download {TUX.name}", f"npm pack --silent {OWLS.name}@{OWLS.version}"]
    assert (first[TUX.name] / "usr/share/tuxpaint/stamps/animals/bee.txt").is_file() and (
        first[OWLS.name] / "package/assets/1f400.webp"
    ).is_file()
    told = json.loads((first[TUX.name].parent / "package.json").read_text())
    assert told["licence"] == "GPL-2.0-only" and re.fullmatch("[0-9a-f]{64}", told["sha256"])


def test_a_broken_fetch_counts_for_nothing_and_is_gone_on_with(on_path, tmp_path):
    folder, log = on_path
    (folder / "broken").touch()
    with pytest.raises(DataError, match=r"`apt-get download tuxpaint.*` ended with 100: E: Failed to fetch .*Is there a network, .*kept"):
        fetch([OWLS, TUX], tmp_path / "cache")
    kept = [path.name for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"]
    assert kept == ["lobehub_fluent-emoji-3d-1.1.0"]
    (folder / "broken").unlink()
    trees = fetch([OWLS, TUX], tmp_path / "cache")
    assert log.read_text().count("npm") == 1 and all(tree.is_dir() for tree in trees.values())


def test_an_archive_with_another_checksum_is_refused(on_path, tmp_path):
    with pytest.raises(
        DataError, match=rf"the SHA-256 of lobehub-fluent-emoji-3d.tgz must be {'0' * 64}, but is '[0-9a-f]+'. It was broken"
    ):
        fetch([replace(FLUENT, sha256="0" * 64)], tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"]


def test_another_version_of_a_distribution_is_taken_and_told(on_path, tmp_path, caplog):
    fetch([replace(TUXPAINT, sha256="0" * 64)], tmp_path / "cache")
    assert "tuxpaint-stamps-default_1.0_all.deb is not version 2022.06.04-1, which was tried" in caplog.text


def test_a_missing_client_is_told_with_what_to_install_before_anything_is_fetched(on_path, tmp_path, monkeypatch):
    folder, log = on_path
    (folder / "bin" / "npm").unlink()
    monkeypatch.setenv("PATH", str(folder / "bin"))
    with pytest.raises(
        DataError, match=r"the package clients must be installed \(apt-get, dpkg, npm\), but is 'without npm'. npm: Install Node"
    ):
        fetch([TUX, OWLS], tmp_path / "cache")
    assert not log.exists()


def test_the_packages_of_collections():
    assert packages(["tuxpaint"]) == (TUXPAINT,)
    assert packages(["openmoji", "emoji"])[:2] == (FLUENT, NAMES)
    every = packages(COLLECTIONS, [2, 1])
    assert len(every) == 7 and [package.name[-1] for package in every if package in animated()] == ["1", "2"]
    assert all(package.licence and package.of for package in every)
    for wrong, message in (
        (("tuxpain",), "collections must be one of .*, but is 'tuxpain'. Did you mean 'tuxpaint'"),
        ((), "collections must be some of tuxpaint"),
    ):
        with pytest.raises(ConfigError, match=message):
            packages(wrong)
    with pytest.raises(ConfigError, match=r"animations must be a list of some of the parts \[1, 2, 3, 4\], but is \[5\]"):
        packages(["tuxpaint"], [5])
