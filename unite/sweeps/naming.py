"""What differs between the jobs of a sweep, and folders that are named by it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

#: A name of a file may be 255 bytes long; what is written beside a folder adds to it.
_LONGEST = 180


def differences(jobs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Returns of each job the options that are not the same in all of them, the seed last.

    Args:
        jobs: option -> value, `trainer.max_steps` -> `50`.
    """
    names = dict.fromkeys(name for job in jobs for name in job)
    varied = [name for name in names if len({job.get(name) for job in jobs}) > 1]
    varied.sort(key=lambda name: name == "seed")  # seeds of one recipe stand together, and have one stem
    return [{name: job[name] for name in varied if name in job} for job in jobs]


def folder_names(differing: Sequence[Mapping[str, str]]) -> list[str]:
    """Returns a folder's name for each job, all of them different: `mixture-tt_ti_seed-0`.

    An option goes by its last word where that is enough, and only what a command line need not quote is in the name. A name that would be
    too long keeps every option and shortens values.
    """
    options = dict.fromkeys(name for job in differing for name in job)
    last_words = Counter(name.rpartition(".")[2] for name in options)
    short = {name: name if last_words[name.rpartition(".")[2]] > 1 else name.rpartition(".")[2] for name in options}
    names: list[str] = []
    for job in differing:
        name = _joined(job, short)
        names.append(name if name not in names else next(one for n in range(2, 10**6) if (one := f"{name}-{n}") not in names))
    return names


def told(differing: Mapping[str, str]) -> str:
    """Returns what differs as a user would write it: `mixture=tt_ti seed=0`."""
    return " ".join(f"{name}={value}" for name, value in differing.items()) or "nothing varied"


def _joined(job: Mapping[str, str], short: Mapping[str, str]) -> str:
    parts = [(_plain(short[name]), _plain(value)) for name, value in job.items()]
    room = _LONGEST // max(1, len(parts))
    if sum(len(name) + len(value) + 2 for name, value in parts) > _LONGEST:
        parts = [(name[-room // 2 :], _shortened(value, room - len(name[-room // 2 :]) - 2)) for name, value in parts]
    return "_".join(f"{name}-{value}" for name, value in parts) or "job"


def _shortened(value: str, length: int) -> str:
    digest = sha256(value.encode()).hexdigest()[:6]
    return value if len(value) <= length else f"{value[: max(1, length - 7)]}-{digest}"


def _plain(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", text, flags=re.ASCII).strip("-") or "none"
