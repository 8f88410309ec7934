import json
import multiprocessing

import pytest

from unite.data.labels import Label, LabelledContent, append_label, keep_medium, read_labels
from unite.errors import DataError
from unite.types import Modality


def label(verdict, id, text="a bird", asked="/?text=a+bird", row=None):
    return Label(verdict, asked, [(LabelledContent(text), 1.0)], id, row or LabelledContent(f"row {id}"), {"rank": "1"})


def test_later_verdicts_count_and_none_takes_one_back(tmp_path):
    path = tmp_path / "labels.jsonl"
    for verdict, id in [("right", "a"), ("wrong", "b"), ("right", "c"), ("wrong", "a"), ("none", "c"), ("right", "d")]:
        append_label(path, label(verdict, id))
    append_label(path, label("right", "a", "a tree", "/?text=a+tree"))
    bird, tree = read_labels(path)
    assert (list(bird.right), list(bird.wrong)) == (["d"], ["b", "a"])
    assert bird.content == LabelledContent("a bird") and bird.wrong["a"] == LabelledContent("row a")
    assert (tree.content.text, list(tree.right), list(tree.wrong)) == ("a tree", ["a"], [])


@pytest.mark.parametrize("text", ["one\u2028two", "one\u0085two", "one\x1ctwo\r\n", "half of a pair \ud800"])
def test_a_text_with_ends_of_lines_of_its_own_is_one_line(tmp_path, text):
    append_label(tmp_path / "l.jsonl", label("right", text, text))
    append_label(tmp_path / "l.jsonl", label("wrong", "b", text))
    (query,) = read_labels(tmp_path / "l.jsonl")
    assert (query.content.text, list(query.right), list(query.wrong)) == (text, [text], ["b"])


def test_media_are_found_again_when_the_folder_moves(tmp_path):
    path = tmp_path / "here" / "labels.jsonl"
    outside = tmp_path / "cat.png"
    kept = keep_medium(path, b"a picture", "png")
    assert keep_medium(path, b"a picture", ".png") == kept and kept.read_bytes() == b"a picture"
    assert kept.parent == tmp_path / "here" / "labels.media"
    row = LabelledContent("x", ((Modality.IMAGE, kept), (Modality.VIDEO, outside)))
    append_label(path, label("right", "a", row=row))
    (tmp_path / "here").rename(tmp_path / "there")
    (query,) = read_labels(tmp_path / "there" / "labels.jsonl")
    assert query.right["a"].media == (
        (Modality.IMAGE, tmp_path / "there" / "labels.media" / kept.name),
        (Modality.VIDEO, outside),
    )


@pytest.mark.parametrize(("parts", "text"), [([("a", 1.0)], "a"), ([("a", -1.0)], None), ([("a", 1.0), ("b", 0.5)], None)])
def test_only_one_thing_looked_for_is_a_content(tmp_path, parts, text):
    query = [(LabelledContent(part), weight) for part, weight in parts]
    append_label(tmp_path / "l.jsonl", Label("right", "q", query, "a", LabelledContent("r")))
    (read,) = read_labels(tmp_path / "l.jsonl")
    assert (read.content and read.content.text) == text


def test_a_half_line_of_a_killed_process_stays_alone_and_is_named(tmp_path, caplog):
    path = tmp_path / "labels.jsonl"
    append_label(path, label("right", "a"))
    with path.open("ab") as file:
        file.write(b'{"verdict": "ri')
    append_label(path, label("wrong", "b"))
    (query,) = read_labels(path)
    assert (list(query.right), list(query.wrong)) == (["a"], ["b"])
    assert "line 2 (" in caplog.text and "left out" in caplog.text


def test_what_is_no_file_of_labels_is_refused(tmp_path):
    path = tmp_path / "labels.jsonl"
    with pytest.raises(DataError, match="must be a file of labels, as the search page writes it"):
        read_labels(path)
    path.write_text('{"some": "thing"}\n')
    with pytest.raises(DataError, match=r"line 1 \('query'\) cannot be read as labels, and no other line can"):
        read_labels(path)
    with pytest.raises(DataError, match="a verdict must be right or wrong or none, but is 'good'"):
        label("good", "a")
    with pytest.raises(DataError, match="cannot be kept: .* cannot be written"):
        append_label(path / "labels.jsonl", label("right", "a"))
    with pytest.raises(DataError, match="cannot be kept: .* cannot be written"):
        keep_medium(path / "labels.jsonl", b"x", "png")


def _append(path, process):
    for number in range(20):
        append_label(path, label("right", f"{process}-{number}", row=LabelledContent("x" * 5000)))


def test_processes_that_write_at_once_lose_no_line(tmp_path):
    path = tmp_path / "labels.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_append, args=(path, process)) for process in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    ids = [json.loads(line)["row"]["id"] for line in path.read_text().splitlines()]
    assert sorted(ids) == sorted(f"{process}-{number}" for process in range(3) for number in range(20))
