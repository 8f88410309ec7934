"""A suite's result as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table

from unite.evaluation.pair_names import LETTERS, short
from unite.evaluation.results import MAIN_METRIC, SuiteResult
from unite.evaluation.score import not_run
from unite.evaluation.tasks import TIES

#: Column heading -> the metrics it may show, first found first: benchmarks with several right answers a query report hit@k as R@k. A column
#: that nothing stands in is left out.
_COLUMNS = {
    "R@1": ("recall@1", "hit@1"),
    "R@5": ("recall@5", "hit@5"),
    "R@10": ("recall@10", "hit@10"),
    "MRR": ("mrr", "mrr@10"),
    "nDCG@5": ("ndcg@5", "ndcg_linear@5"),
    "nDCG@10": ("ndcg@10", "ndcg_linear@10"),
}


def table(result: SuiteResult, held_in: SuiteResult | None = None) -> Table:
    """Returns a table of the suite, one row a task, percentages; subsets below the mean over the modality pairs.

    Args:
        result: the suite to show.
        held_in: the same tasks on combinations seen in training. Their R@1 stands in a column beside the held-out one.
    """
    view = Table(
        title=f"{result.name}: retrieval, in percent ({result.seconds:.0f} s)",
        caption=_caption(result),
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    view.add_column("task", no_wrap=True)
    view.add_column("pair", no_wrap=True)
    view.add_column("queries x pool", justify="right")  # as wide as its values: the heading folds
    columns = _columns(result)
    for heading, names in columns.items():
        view.add_column(heading, justify="right", style="bold" if heading == "R@1" or MAIN_METRIC in names else None, no_wrap=True)
        if heading == "R@1" and held_in is not None:
            view.add_column("held-in", justify="right", style="dim", no_wrap=True)

    def add(
        name: str, described: tuple[str, str], metrics: Mapping[str, float], inside: Mapping[str, float] | None, style: str = ""
    ) -> None:
        cells = []
        told = result.tasks.get(name)
        for heading, names in columns.items():
            if told is not None and told.main_metric in names:
                cells.append(_percent(metrics, (told.main_metric,)) + _interval(told.intervals, (told.main_metric,)))
            else:
                cells.append(_percent(metrics, names))
            if heading == "R@1" and held_in is not None:
                cells.append(_percent(inside or {}, names))
        view.add_row(name, *described, *cells, style=style)

    for kind in ("pair", "subset"):
        view.add_section()
        for name, task in result.tasks.items():
            if task.kind == kind:
                inside = held_in.tasks.get(name) if held_in else None
                add(name, (short(task.pair), f"{task.num_queries} x {task.pool_size}"), task.metrics, inside.metrics if inside else None)
        if kind == "pair" and result.means():
            view.add_section()
            for group, means in result.group_means().items():
                add(f"mean {group}", (f"of {len(result.groups[group])}", ""), means, None)
            pairs = sum(task.kind == "pair" for task in result.tasks.values())
            some = f"; {len(result.missing)} not run" if result.missing else ""
            add("mean", (f"of {pairs}{some}", ""), result.means(), held_in.means() if held_in else None, "bold")
    return view


def _columns(result: SuiteResult) -> dict[str, tuple[str, ...]]:
    """Returns the columns that something stands in; where tasks are told by different metrics, those of each stand in one."""
    tasks = result.tasks.values()
    found = {name for task in tasks for name in task.metrics}
    columns: dict[str, tuple[str, ...]] = {heading: names for heading, names in _COLUMNS.items() if found & set(names)}
    told_by = [heading for heading, names in columns.items() if any(task.main_metric in names for task in tasks)]
    if MAIN_METRIC not in result.means() or not told_by:
        return columns
    together = (MAIN_METRIC, *(name for heading in told_by for name in columns.pop(heading)))
    return {" or ".join(told_by): together} | columns


def _percent(metrics: Mapping[str, float], names: tuple[str, ...]) -> str:
    found = [metrics[name] for name in names if name in metrics]
    return f"{100 * found[0]:.1f}" if found else "-"


def _interval(intervals: Mapping[str, tuple[float, float]], names: tuple[str, ...]) -> str:
    found = [intervals[name] for name in names if name in intervals]
    return f" ±{50 * (found[0][1] - found[0][0]):.0f}" if found else ""


def _caption(result: SuiteResult) -> str:
    has_r1 = any(set(_COLUMNS["R@1"]) & set(task.metrics) for task in result.tasks.values())
    chance = "R@1 by chance is 1 / pool (right ones / pool where any of several counts); " if has_r1 else ""
    lines = [f"{LETTERS}; {chance}± half the 95% interval"]
    rules = {task.ties: TIES[task.ties] for task in result.tasks.values() if task.ties != "trec_eval"}
    lines += [f"Ties: {told} ({rule})" for rule, told in rules.items()]
    for name, task in result.tasks.items():
        if task.tied_share:
            what = "all scores are equal" if task.all_tied else f"{100 * task.tied_share:.1f}% of the queries are tied"
            lines.append(f"{name}: {what}, which the rule of ties decides ({task.ties})")
    return "\n".join(lines + not_run(result.missing, f"What each lacks stands in {result.name}.json."))
