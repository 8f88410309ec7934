import pwd
from pathlib import Path

import pytest

from tests.composed import composed
from unite.config.folder import CONF, nearest_existing, user_cache


@pytest.mark.parametrize(
    ("given", "xdg", "expected"),
    [
        ("/big/cache", "/xdg", "/big/cache"),
        ("~/mine", "/xdg", "/home/me/mine"),
        ("", "/xdg", "/xdg/unite"),
        ("", "", "/home/me/.cache/unite"),
        ("", "relative", "/home/me/.cache/unite"),  # such a one is to be ignored, the specification says
        (None, None, "/home/me/.cache/unite"),
    ],
)
def test_the_users_cache_is_where_it_is_asked_for(given, xdg, expected, monkeypatch):
    for name, value in {"HOME": "/home/me", "UNITE_CACHE": given, "XDG_CACHE_HOME": xdg}.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    assert user_cache() == Path(expected)
    assert composed("evaluate", "checkpoint=x").cache == f"{expected}/embeddings"


@pytest.mark.parametrize("given", ["", "~nobody_of_that_name/cache"])
def test_where_nobody_knows_the_users_home_nothing_is_kept_which_is_told_once(given, monkeypatch, caplog):
    def unknown(_):
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name, value in {"HOME": None, "UNITE_CACHE": given, "XDG_CACHE_HOME": None}.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    for _ in range(2):
        assert user_cache() is None and composed("evaluate", "checkpoint=x").cache is None
    assert caplog.text.count("set UNITE_CACHE to a folder") == 1
    assert composed("evaluate", "checkpoint=x", "cache=/mine").cache == "/mine"


def test_our_options_are_there():
    assert (CONF / "train.yaml").is_file()


def test_the_nearest_that_is_there_is_a_path_or_one_above_it(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    for path, nearest in (("a/b", ""), (tmp_path / "file" / "b", "file"), ("file", "file"), ("", "")):
        assert nearest_existing(path) == tmp_path / nearest
