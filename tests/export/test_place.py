import os

import pytest

from unite.errors import ConfigError
from unite.export.place import check_out, check_repository


def test_new_and_empty_folders_are_free(tmp_path):
    check_out(tmp_path / "new")
    check_out(tmp_path / "new" / "below")
    check_out(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match=r"out must be a new or empty folder, but is '.*'. .*file is a file"):
            check_out(place)


def test_where_nothing_can_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # whoever is root may write everywhere
    for place in (tmp_path / "out", tmp_path):
        with pytest.raises(
            ConfigError, match=r"out must be a folder that can be written, but is '.*'. .* allows it not. Name another place"
        ):
            check_out(place)


def test_a_repository_has_an_owner():
    check_repository(None)
    check_repository("me/mine-1.0")
    for name in ("mine", "a/b/c", "https://huggingface.co/me/mine", "", "me/"):
        with pytest.raises(ConfigError, match="push_to_hub must be owner/name of a repository, or null, but is "):
            check_repository(name)
