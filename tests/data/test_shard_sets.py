"""Sets of shards are found below one place, whatever a user names."""

import pytest

from tests.data.material import write
from unite.data.shard_sets import find_sets
from unite.errors import DataError


def test_a_folder_a_set_and_a_glob_are_found(tmp_path):
    for name in ("a/text-to-text", "b/text-to-text", ".work/half"):
        write(tmp_path / "set" / name, count=2)
    shard = "shard-000000.tar"
    whole = find_sets(f"{tmp_path / 'set'}/")
    assert {name: [one.name for one in shards] for name, shards in whole.items()} == {"a_text-to-text": [shard], "b_text-to-text": [shard]}
    assert list(find_sets(str(tmp_path / "set" / "a" / "text-to-text"))) == ["text-to-text"]
    assert list(find_sets(str(tmp_path / "set" / "*" / "text-to-text"))) == ["a_text-to-text", "b_text-to-text"]
    assert list(find_sets(str(tmp_path / "set" / "b" / "text-to-text" / "shard-*.tar"))) == ["text-to-text"]
    assert list(find_sets(f"file://{tmp_path / 'set'}")) == ["a_text-to-text", "b_text-to-text"]
    assert list(find_sets(f"file://{tmp_path / 'set' / 'a' / 'text-to-text'}")) == ["a_text-to-text"]


def test_brackets_in_the_name_of_a_folder_are_brackets(tmp_path):
    write(tmp_path / "set[1]" / "nli" / "text-to-text")
    write(tmp_path / "set1" / "nli" / "text-to-text")
    assert list(find_sets(str(tmp_path / "set[1]"))) == ["nli_text-to-text"]
    assert "set[1]" in find_sets(str(tmp_path / "set[1]"))["nli_text-to-text"][0].text


def test_where_there_is_none_the_option_is_named(tmp_path):
    with pytest.raises(DataError, match=r"^validation.suite.shards must be a folder with .tar shards, .* but is '.*nowhere'"):
        find_sets(str(tmp_path / "nowhere"), "validation.suite.shards")
