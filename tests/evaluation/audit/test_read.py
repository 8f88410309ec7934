import pytest

from unite.config.schema import AssociationConfig, AuditOptions, SuiteConfig
from unite.errors import ConfigError, DataError
from unite.evaluation.audit.read import read_tasks
from unite.evaluation.suite import Suite

WORDS = {"warm": ["fire"], "cold": ["ice"]}


def suite(*tasks):
    return Suite(SuiteConfig(name="toy", tasks={f"t{at}": task for at, task in enumerate(tasks)}))


def asked(**association):
    return AuditOptions(
        associations={"warmth": AssociationConfig(**({"attribute": "colour", "groups": ["red", "blue"], "words": WORDS} | association))}
    )


def test_tasks_without_labels_are_there_for_the_pool(make_labelled):
    tasks, labelled = read_tasks(suite(make_labelled(), make_labelled(labels={})), asked())
    assert list(tasks) == ["t0", "t1"] and list(labelled) == ["t0"]
    targets = labelled["t0"].targets["warmth"]
    assert len(targets.rows) == 24 and [at for at, first in zip(targets.rows, targets.is_first, strict=True) if not first] == list(
        range(1, 24, 3)
    )


def test_an_association_may_be_of_some_candidates_alone(make_labelled):
    labels = {one: given | {"size": "big" if one < "c12" else "small"} for one, given in make_labelled().labels.items()}
    _, labelled = read_tasks(suite(make_labelled(labels=labels)), asked(only={"size": "big"}))
    assert labelled["t0"].targets["warmth"].rows == tuple(range(12))


def test_a_suite_without_labels_says_where_they_are_written(make_labelled):
    message = r"the candidates of suite toy \(t0\) must be given labels in at least one task, but is 'without'. Labels are .*labels.json"
    with pytest.raises(DataError, match=message):
        read_tasks(suite(make_labelled(labels={})), AuditOptions())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (AuditOptions(ks=[1, 25]), "audit.ks must be at most 24, the candidates with a colour .* of task words, but is 25"),
        (asked(groups=["red", "green"]), "a group of colour in audit.associations.warmth must be one of blue, red, but is 'green'"),
        (
            asked(attribute="size"),
            r"the attributes of audit.associations.warmth must be attributes that one task has \(colour\), but is 'size'. association=none",
        ),
        (
            asked(only={"colour": "red"}),
            "group blue of audit.associations.warmth in task words must be that of at least two candidates that `only` leaves, but is 0",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(make_labelled, options, message):
    with pytest.raises(ConfigError, match=message):
        read_tasks(suite(make_labelled()), options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: asked(groups=["red", "red"]), "an association's groups must be two different ones, but is 'red, red'"),
        (
            lambda: asked(words={"warm": ["fire"], "cold": []}),
            r"words must be two lists with at least one word each, but is 'warm \(1\), cold \(0\)'",
        ),
        (lambda: AuditOptions(ks=[]), "audit.ks must be one or more numbers from 1, but is 'none'"),
        (lambda: AuditOptions(ks=[5, 0]), "audit.ks must be one or more numbers from 1, but is '5, 0'"),
        (lambda: AuditOptions(num_resamples=9), "audit.num_resamples must be at least 100, but is 9"),
    ],
)
def test_options_out_of_range_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
