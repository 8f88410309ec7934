"""Errors a user can act on: what must be, what is, and what to do.

Every error that a user can cause is a `UniteError`, so that an entry point shows its message alone, without a traceback,
and everything else is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

#: Characters of what is told of a row.
_MAX_DETAIL = 1000


class UniteError(Exception):
    """An error in what was given to `unite`: a config, a file, a sample. The message says how to mend it."""

    @property
    def told(self) -> str:
        """The message alone: if it was raised in a worker, torch has put that process's traceback before it.

        Not called `message`, an attribute by which torch knows another kind of error.
        """
        text = str(self)
        mark = f"{type(self).__module__}.{type(self).__qualname__}: "
        return text.rpartition(mark)[2].rstrip() if "Original Traceback" in text else text


class ConfigError(UniteError):
    """A config value is wrong."""


class DataError(UniteError):
    """A shard, a sample, a row or a medium cannot be used."""


class RankError(UniteError):
    """The processes of a job cannot work together: one is lost, or differs from the others."""


class SkippedRowError(DataError):
    """One row of a raw collection cannot be used: it is left out, counted under `reason` and named in `skipped.jsonl`; the others go on.

    Attributes:
        reason: a few fixed words, the same for every row with this fault (`missing file`).
        detail: what is wrong with this one; of one that is very long (a picture in place of its path), both ends.
        fields: of the record that it should have been made of, where they could be read: by them a user knows it.
    """

    fields: Mapping[str, Any] | None = None

    def __init__(self, reason: str, detail: str) -> None:
        if len(detail) > _MAX_DETAIL:
            detail = f"{detail[: _MAX_DETAIL // 2 - 3]} ... {detail[3 - _MAX_DETAIL // 2 :]}"
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class CheckpointError(UniteError):
    """A checkpoint or a run folder cannot be loaded."""


class TrainingError(UniteError):
    """A training run cannot go on."""


class TrackingError(UniteError):
    """W&B cannot be reached, or refuses what it is sent."""


class CollectedError(UniteError):
    """Several things are wrong: all are told, a line each, so that a user mends them in one go.

    Attributes:
        errors: what is wrong, each told once.
    """

    def __init__(self, errors: Sequence[UniteError]) -> None:
        super().__init__(errors)
        self.errors = list({error.told: error for error in errors}.values())

    def __str__(self) -> str:
        return "\n".join([f"{len(self.errors)} things are to be mended:", *(f"  {error.told}" for error in self.errors)])


class NonFiniteLossError(TrainingError):
    """The loss of a batch is NaN or infinite.

    Attributes:
        keys: the batch's samples (of this rank).
    """

    def __init__(self, loss: float, keys: Sequence[str]) -> None:
        shown = first_of(keys, 4)
        hint = "Try a lower optimizer.lr or a higher objective.temperature, and look at the samples."
        super().__init__(must_be(f"the loss of the batch of {shown}", "finite", loss, hint))
        self.keys = list(keys)


def first_of(names: Sequence[str], most: int = 5) -> str:
    """Returns the first names, and how many more there are: `a, b and 3 more`."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Returns reason -> the names that have it, both in their order."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return names


@contextmanager
def gathered(faults: list[UniteError]) -> Iterator[None]:
    """Adds what is raised within, if a user can mend it, to `faults`, and goes on behind."""
    try:
        yield
    except CollectedError as error:
        faults += error.errors
    except UniteError as error:
        faults.append(error)


def caught(check: Callable[..., object], *arguments: Any, **options: Any) -> list[UniteError]:
    """Calls a check and returns what it raises that a user can mend, one by one."""
    faults: list[UniteError] = []
    with gathered(faults):
        check(*arguments, **options)
    return faults


def raise_all(errors: Iterable[UniteError]) -> None:
    """Raises what is wrong: one error as it is, several as one that tells them all.

    Raises:
        UniteError: if there is any.
    """
    found = list({error.told: error for error in errors}.values())
    if len(found) > 1:
        raise CollectedError(found)
    if found:
        raise found[0]


def must_be(name: str, expected: str, actual: Any, hint: str = "") -> str:
    """Returns the one form of a message about a bad value: "`name` must be X, but is Y. What to do."

    Args:
        name: the full name of the value, as the user can write it (`objective.temperature`).
        expected: what it must be, in words (`a number above 0`).
        actual: what it is.
        hint: what to do, one sentence.
    """
    message = f"{name} must be {expected}, but is {actual!r}."
    return f"{message} {hint}" if hint else message


def must_be_one_of(name: str, choices: Iterable[str], actual: Any, hint: str = "") -> str:
    """Returns the message for a value outside a closed list; it lists the good ones and guesses which was meant."""
    good = sorted(map(str, choices))
    close = get_close_matches(str(actual), good, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    return must_be(name, "one of " + ", ".join(good), actual, hint) + guess
