"""What the maker of a set is told when it is made: sources that are empty, steps that leave out nearly all, media to look at."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from unite.curation.records import MEDIA, READ, Funnel
from unite.errors import DataError, must_be

log = logging.getLogger(__name__)

#: A step that leaves out more than this share of a source's rows is told of, if it was given so many.
_NEARLY_ALL, _FEWEST_TO_JUDGE = 0.9, 20


def check_left(funnels: Mapping[str, Funnel]) -> None:
    """Says which sources have no row left.

    Raises:
        DataError: if none has.
    """
    total = Funnel.total(funnels.values())
    if not total.num_kept:
        empty = ", ".join(name for name, funnel in funnels.items() if not funnel.num_rows)
        hint = f"There is no record in the annotations of {empty}." if empty else ""
        raise DataError(must_be("the curated set", "left with at least one row", f"empty after {summary(total)}", hint))
    for name, funnel in funnels.items():
        if not funnel.num_kept:
            log.warning("no row of source %s is left: %s", name, summary(funnel))


def tell_of_steps(sources: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Says which steps leave out nearly all of a source: a bound that is right for captions may not be right for labels.

    Args:
        sources: the steps of each, as the datasheet has them.
    """
    for source, steps in sources.items():
        for step in steps:
            lost = step["in"] - step["out"]
            if step["step"] not in (READ, MEDIA) and step["in"] >= _FEWEST_TO_JUDGE and lost > _NEARLY_ALL * step["in"]:
                reasons = ", ".join(f"{reason}: {count}" for reason, count in step["dropped"].items())
                told = "step %s leaves out %d of %d rows of source %s (%s). Are its options meant for such rows?"
                log.warning(told, step["step"], lost, step["in"], source, reasons)


def tell_of_media(datasheet: Mapping[str, Any]) -> None:
    """Says how many media of a set are nearly uniform and how many are not whole, and names the first."""
    uniform, not_whole = datasheet["nearly_uniform"], datasheet["not_whole"]
    if uniform["images"]:
        first = ", ".join(uniform["first"][:3])
        log.warning("%d images are nearly uniform, the first: %s. The step image_contrast leaves such rows out.", uniform["images"], first)
    if not_whole["media"]:
        told = "%d media are not whole, the first: %s. The others are named in rows.jsonl."
        log.warning(told, not_whole["media"], not_whole["first"][0])


def summary(funnel: Funnel) -> str:
    """Returns the five reasons for which most rows were left out, in words."""
    return ", ".join(f"{count} {step}: {reason}" for (step, reason), count in funnel.dropped.most_common(5)) or "no row came in"
