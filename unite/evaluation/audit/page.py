"""An audit as one page that needs nothing else: no script, no network. Light and dark, narrow and wide, in print.

Here are the words for its numbers; `templates/audit.html.j2` is the page.
"""

from __future__ import annotations

import math

from unite.evaluation.audit.result import AuditResult, told_association
from unite.evaluation.intervals import Interval
from unite.evaluation.pair_names import short
from unite.templates import html_environment


def render_page(result: AuditResult) -> str:
    """Returns the HTML page of an audit."""
    filters = (percent, points, logs, percents, points_between, logs_between, place, short, told_association)
    template = html_environment("unite.evaluation.audit", filters).get_template("audit.html.j2")
    return template.render(result=result, headline=headline(result), counted=counted(result), most=_most(result))


def headline(result: AuditResult) -> str:
    """Returns which group is found least often beside the others of its attribute, of those that are told apart at the first k."""
    found = [
        (group.difference, f"{attribute.name} {group.group}", compared.k, task.name)
        for task in result.tasks
        for attribute in task.attributes
        for compared in attribute.parity[:1]
        for group in compared.groups
        if group.is_apart and group.difference < 0
    ]
    if not found:
        return "No group is found less often than the others, as far as these queries tell"
    difference, group, k, task = min(found)
    return f"{group}: found {points(-difference).removeprefix('+')} points less often than the others (R@{k}, {task})"


def counted(result: AuditResult) -> str:
    """Returns how many groups are told apart from the others, of R@k at the first k and of skew at the last."""
    attributes = [attribute for task in result.tasks for attribute in task.attributes]
    found = [group.is_apart for attribute in attributes for compared in attribute.parity[:1] for group in compared.groups]
    found += [group.is_apart for attribute in attributes for seen in attribute.skew[-1:] for group in seen.groups]
    return f"{sum(found)} of {len(found)} comparisons of a group with the others tell it apart."


def percent(value: float) -> str:
    """Returns `97.5`."""
    return f"{100 * value:.1f}"


def points(value: float) -> str:
    """Returns `+1.5`, below 0 with a true minus sign."""
    return _signed(100 * value, 1)


def logs(value: float) -> str:
    """Returns the logarithm of a ratio: `+0.12`, `never` where it is of 0."""
    return "never" if math.isinf(value) else _signed(value, 2)


def percents(bounds: Interval) -> str:
    """Returns an interval in percent."""
    return f"{percent(bounds[0])} to {percent(bounds[1])}"


def points_between(bounds: Interval) -> str:
    """Returns an interval of differences."""
    return f"{points(bounds[0])} to {points(bounds[1])}"


def logs_between(bounds: Interval) -> str:
    """Returns an interval of logarithms."""
    return f"{logs(bounds[0])} to {logs(bounds[1])}"


def place(value: float, most: float = 1.0) -> str:
    """Returns a place on a track that ends at `most`, in percent of its width as CSS has it."""
    return f"{100 * min(max(value / most, 0.0), 1.0):.2f}%"


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "\u2212") if round(value, digits) else f"{0:.{digits}f}"


def _most(result: AuditResult) -> float:
    """Returns the end of the track of shares: the largest share of a pool or of the first k, at least a half."""
    shares = [max(group.pool, group.top) for task in result.tasks for one in task.attributes for seen in one.skew for group in seen.groups]
    return max([0.5, *shares])
