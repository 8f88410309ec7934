"""The one form of messages; what an entry point makes of an error is in `test_entry.py`."""

import pickle

import pytest

from unite.errors import (
    CollectedError,
    ConfigError,
    DataError,
    NonFiniteLossError,
    SkippedRowError,
    TrainingError,
    caught,
    first_of,
    must_be,
    must_be_one_of,
    raise_all,
)


def test_a_message_says_what_must_be_what_is_and_what_to_do():
    assert must_be("data.batch_size", "at least 2", 1) == "data.batch_size must be at least 2, but is 1."
    assert must_be("name", "short", "x y", "Cut it.") == "name must be short, but is 'x y'. Cut it."


def test_a_value_outside_a_list_is_told_the_list_and_a_guess():
    assert (
        must_be_one_of("a metric", ["recall", "hit"], "recal")
        == "a metric must be one of hit, recall, but is 'recal'. Did you mean 'recall'?"
    )
    assert must_be_one_of("a metric", {"hit": 1}, 7, "See there.") == "a metric must be one of hit, but is 7. See there."


def test_of_many_names_the_first_are_told():
    assert [first_of(["a", "b", "c"], most) for most in (2, 3)] == ["a, b and 1 more", "a, b, c"]


def test_a_skipped_row_comes_whole_out_of_a_worker_process():
    error = pickle.loads(pickle.dumps(SkippedRowError("missing file", "a.jpg")))
    assert isinstance(error, DataError) and str(error) == "missing file: a.jpg"
    assert (error.reason, error.detail) == ("missing file", "a.jpg")


def test_a_loss_that_is_no_number_names_its_samples():
    error = NonFiniteLossError(float("nan"), [f"s/{number}" for number in range(6)])
    assert isinstance(error, TrainingError) and error.keys == [f"s/{number}" for number in range(6)]
    assert str(error).startswith(
        "the loss of the batch of s/0, s/1, s/2, s/3 and 2 more must be finite, but is nan. Try a lower optimizer.lr"
    )


def test_the_traceback_of_a_worker_is_no_part_of_what_is_told():
    message = (
        "Caught DataError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\nunite.errors.DataError: a: b\nc\n"
    )
    assert DataError(message).told == "a: b\nc"
    assert DataError("unite.errors.DataError: a").told == "unite.errors.DataError: a"


def test_several_errors_are_one_that_tells_each_once_and_one_stays_what_it_is():
    raise_all([])
    with pytest.raises(DataError, match="^b$"):
        raise_all([DataError("b"), DataError("b")])
    with pytest.raises(CollectedError) as told:
        raise_all([ConfigError("a"), DataError("b"), ConfigError("a")])
    assert str(told.value) == "2 things are to be mended:\n  a\n  b"
    again = pickle.loads(pickle.dumps(told.value))
    assert str(again) == str(told.value)

    def check(errors):
        raise_all(errors)

    assert [str(one) for one in caught(check, told.value.errors)] == ["a", "b"] and not list(caught(check, []))
    with pytest.raises(TypeError):  # a bug is none of them
        list(caught(check, 3))
