import pytest

from unite.errors import ConfigError, DataError
from unite.evaluation.audit.labels import check_pools, read_labels


def labels(make_labelled, change):
    """The task's labels with some of them changed: candidate -> its labels."""
    known = make_labelled().labels
    return {candidate: known.get(candidate, {}) | change.get(candidate, {}) for candidate in {**known, **change}}


def test_candidates_have_a_group_an_attribute_and_a_unit(make_labelled):
    (colour,), unit = (found := read_labels(make_labelled())).attributes, found.unit
    assert (colour.name, colour.groups, len(colour.of)) == ("colour", ("red", "blue"), 24)
    assert [colour.of[f"c0{at}"] for at in range(4)] == [0, 1, 0, 0] and unit["c05"] == "u1"


def test_without_units_each_candidate_is_one(make_labelled):
    found = read_labels(make_labelled(labels={f"c{at:02d}": {"colour": "red" if at % 2 else "blue"} for at in range(6)}))
    assert found.unit["c03"] == "c03" and found.unit["c23"] == "c23" and len(found.attributes[0].of) == 6


@pytest.mark.parametrize("given", [{}, {"c00": {"unit": "u"}}])
def test_a_task_without_labels_has_none(make_labelled, given):
    assert read_labels(make_labelled(labels=given)) is None


def test_only_some_candidates_keep_their_labels(make_labelled):
    more = {f"c{at:02d}": {"size": "big" if at < 12 else "small"} for at in range(24)}
    task = make_labelled(labels=labels(make_labelled, more))
    (colour,) = read_labels(task, only={"size": "big"}).attributes
    assert sorted(colour.of) == [f"c{at:02d}" for at in range(12)]
    assert [one.name for one in read_labels(task, ["size"]).attributes] == ["size"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": {"colour": "red"}}, "the candidates with labels in task words must be candidates of the task, but is 'x'"),
        ({"c00": {"age": "old"}}, "the groups of age in task words must be at least two, but is 'old'. There is nothing"),
        (
            {"c00": {"colour": "green"}},
            "the candidates of colour '?green'? in task words must be at least two, but is 1. Nothing can be told",
        ),
    ],
)
def test_labels_that_tell_nothing_are_refused(make_labelled, change, message):
    with pytest.raises(DataError, match=message):
        read_labels(make_labelled(labels=labels(make_labelled, change)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"attributes": ["color"]},
            "an attribute of task words in audit.attributes must be one of colour, but is 'color'. Did you mean 'colour'",
        ),
        ({"only": {"color": "red"}}, "an attribute of task words in audit.only must be one of colour"),
        ({"only": {"colour": "green"}}, "audit.only.colour in task words must be one of blue, red, but is 'green'"),
    ],
)
def test_what_is_not_there_cannot_be_chosen(make_labelled, options, message):
    with pytest.raises(ConfigError, match=message):
        read_labels(make_labelled(), **options)


def test_k_is_at_most_the_smallest_pool_of_candidates_with_labels(make_labelled):
    pools = {f"q{at:02d}": [f"c{at:02d}", *(f"c{other:02d}" for other in range(12) if other != at)] for at in range(24)}
    task = make_labelled(
        pools=pools, metrics=("recall@1",), labels={f"c{at:02d}": {"colour": "red" if at % 2 else "blue"} for at in range(8)}
    )
    (colour,) = read_labels(task).attributes
    check_pools(task, colour, 8)
    with pytest.raises(
        ConfigError, match="audit.ks must be at most 8, the candidates with a colour in the smallest pool of task words, but is 9"
    ):
        check_pools(task, colour, 9)


def test_a_query_without_a_labelled_candidate_in_its_pool_is_named(make_labelled):
    ids = make_labelled().candidate_ids
    labels = {one: known for one, known in make_labelled().labels.items() if one != "c05"}
    task = make_labelled(labels=labels, pools={f"q{at:02d}": [ids[at]] if at == 5 else ids for at in range(24)})
    (colour,) = read_labels(task).attributes
    with pytest.raises(
        DataError, match="the queries of task words must be given candidates with a colour in .*, but is 'none for q05'. Label"
    ):
        check_pools(task, colour, 1)
