import pytest

from tests.curation.recipes.material import paths, read_all
from unite.curation.recipes.labelled_search import LabelledSearch
from unite.data.labels import Label, LabelledContent, append_label
from unite.errors import DataError, SkippedRowError
from unite.types import Modality


def test_right_hits_are_positives_and_wrong_ones_hard_negatives(tmp_path):
    path, clip = tmp_path / "labels.jsonl", tmp_path / "clip.mp4"
    rows = {"a": LabelledContent("one <|IMAGE|>"), "b": LabelledContent("", ((Modality.VIDEO, clip),)), "c": LabelledContent("three")}
    bird, sum_of = [(LabelledContent("a bird"), 1.0)], [(LabelledContent("1"), 1.0), (LabelledContent("2"), 0.5)]
    for verdict, asked, query, id in [
        *(("right", "bird", bird, "a"), ("wrong", "bird", bird, "b"), ("right", "bird", bird, "c")),
        *(("right", "sum", sum_of, "a"), ("wrong", "tree", [(LabelledContent("a tree"), 1.0)], "c")),
    ]:
        append_label(path, Label(verdict, asked, query, id, rows[id]))
    recipe = LabelledSearch("clicks", path, instruction="Find it.", licence="CC0")
    row, *left = read_all(recipe)
    assert (row.query.text, row.query.instruction, row.licence, row.metadata) == ("a bird", "Find it.", "CC0", {"asked": "bird"})
    assert [one.text for one in row.positives] == ["one <\\|IMAGE|>", "three"]
    assert [paths(one) for one in row.negatives] == [[str(clip)]]
    assert left == ["several parts", "no positive"]
    with pytest.raises(SkippedRowError, match="no hit of tree was called right"):
        recipe.read(2)
    with pytest.raises(DataError, match="must be a file of labels"):
        LabelledSearch("clicks", tmp_path / "no.jsonl")


def test_verdicts_that_come_while_it_is_read_are_of_the_next_run(tmp_path):
    path = tmp_path / "labels.jsonl"
    for place, asked in enumerate(("bird", "tree")):
        append_label(path, Label("right", asked, [(LabelledContent(asked), 1.0)], "a", LabelledContent("a")))
        recipe = LabelledSearch("clicks", path)
        known = recipe.fingerprint()
        append_label(path, Label("wrong", asked, [(LabelledContent(asked), 1.0)], "b", LabelledContent("b")))
        assert (len(recipe), recipe.fingerprint()) == (place + 1, known) and not recipe.read(place).negatives
        assert LabelledSearch("clicks", path).fingerprint() != known
