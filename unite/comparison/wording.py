"""Numbers and verdicts in words, the same on the page, in Markdown and in the terminal. Templates use them as filters."""

from __future__ import annotations

from collections.abc import Sequence

from unite.comparison.evaluated_runs import TrainingRecipe
from unite.comparison.suite_comparison import MEAN, Cell, Difference, SuiteComparison
from unite.errors import by_reason, first_of
from unite.evaluation.pair_names import short


def percent(value: float) -> str:
    """`0.5303` as `53.0`."""
    return f"{100 * value:.1f}"


def points(value: float) -> str:
    """`0.068` as `+6.8`, with a true minus."""
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "\N{MINUS SIGN}")


def p_value(p: float) -> str:
    """`0.0312` as `0.031`, tiny ones as `<0.001`."""
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def metric_name(metric: str) -> str:
    """`recall@1` as `R@1`."""
    known = {"recall": "R", "hit": "hit", "mrr": "MRR", "ndcg": "nDCG", "map": "MAP", "ndcg_linear": "nDCG", "main_metric": "main metric"}
    family, sign, k = metric.partition("@")
    return known.get(family, family) + sign + k


def whiskers(cell: Cell) -> str:
    """`45.1 to 60.2`, the 95% interval."""
    return f"{percent(cell.interval[0])} to {percent(cell.interval[1])}"


def spread(cell: Cell) -> str:
    """` ± 2.1` over seeds, nothing for one seed."""
    return f" ± {percent(cell.deviation)}" if cell.deviation is not None else ""


def figure(value: float | None) -> str:
    """A published value, in percent already; `-` where there is none."""
    return "-" if value is None else f"{value:.1f}"


def count_of(number: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def headline(suite: SuiteComparison, recipes: Sequence[TrainingRecipe]) -> str:
    """Returns who wins, in one line."""
    names = [recipe.name for recipe in recipes]
    if suite.near_chance(MEAN) or (MEAN not in suite.order and all(map(suite.near_chance, suite.tasks))):
        return f"{'All are' if len(names) > 1 else f'{names[0]} is'} near chance: {_beside_chance(suite)}"
    means = {name: cell.value for name in names if (cell := suite.main(name, MEAN))}
    metric = f"mean {metric_name(suite.mean_metric)}"
    if len(names) == 1:
        return f"{names[0]}: {metric} {percent(means[names[0]])}" if means else names[0]
    if not means:
        better = {name: sum(found[task].verdict for task in suite.tasks) for name, found in suite.differences.items()}
        best = max(better, key=lambda name: better[name])
        return f"{best} against {names[0]}: {tally(suite, best)}"
    best = max(means, key=lambda name: means[name])
    rival = names[0] if best != names[0] else max(names[1:], key=lambda name: means[name])
    difference = suite.differences[best if best != names[0] else rival][MEAN]
    gap = abs(means[best] - means[rival])
    ahead = f"{metric} {percent(means[best])}, {percent(gap)} points ahead of"
    if difference.verdict:
        # Every recipe is tested against the first one alone.
        wins = len(names) == 2 or best == names[0]
        return f"{best} wins: {ahead} {rival}" if wins else f"{best} is best: {ahead} the baseline {rival}"
    if difference.within_seeds and difference.seed_error is not None:
        why = f"but seeds alone make ± {percent(difference.seed_error)}"
    else:
        why = f"which chance may explain (p {p_value(difference.p)})"
    return f"No clear winner: {best} leads {rival} by {percent(gap)} points of {metric}, {why}"


def near_chance(suite: SuiteComparison) -> str:
    """Returns where nobody is best, in a sentence; nothing where there is no such task."""
    tasks = [task for task in suite.tasks if suite.near_chance(task)]
    return f"All near chance: {', '.join(tasks)}. Nobody is best there." if tasks else ""


def _beside_chance(suite: SuiteComparison) -> str:
    """`mean R@1 2.1 at best, 2.0 by chance`."""
    rows = (MEAN,) if MEAN in suite.order else tuple(suite.tasks)
    best = max(cell.value for recipe in suite.cells for row in rows if (cell := suite.main(recipe, row)))
    chance = max(suite.chance(row) or 0.0 for row in rows)
    metric = f"mean {metric_name(suite.mean_metric)}" if MEAN in rows else metric_name(suite.tasks[rows[0]].metric)
    return f"{metric} {percent(best)} at best, {percent(chance)} by chance"


def warnings(suites: Sequence[SuiteComparison]) -> list[str]:
    """Returns what is left out of the comparison, and why, and which figures are no measure of a run."""
    left_out = [
        (f"{suite.name}/{tasks[0]} is" if len(tasks) == 1 else f"{first_of(tasks)} of {suite.name} are")
        + f" not compared: {why.rstrip('.')}."
        for suite in suites
        for why, tasks in by_reason(suite.missing).items()
    ]
    tied = [
        f"The rule of ties ({suite.tasks[task].ties}) decides queries of {suite.name}/{task}, "
        f"a right candidate having the score of a wrong one: {', '.join(f'{percent(share)}% in {run}' for run, share in runs.items())}."
        for suite in suites
        for task, runs in suite.tied.items()
    ]
    return left_out + tied


def tally(suite: SuiteComparison, recipe: str) -> str:
    """Returns on how many tasks a recipe is better and worse than the baseline."""
    verdicts = [difference.verdict for task, difference in suite.differences[recipe].items() if task in suite.tasks]
    return f"better on {verdicts.count(1)} of {len(verdicts)} tasks, worse on {verdicts.count(-1)}"


def told(difference: Difference) -> str:
    """`+6.8 (+4.1 to +9.6), p <0.001`."""
    return f"{points(difference.value)} ({interval(difference)}), p {p_value(difference.adjusted)}"


def interval(difference: Difference) -> str:
    """`+4.1 to +9.6`, the 95% interval."""
    low, high = (points(bound) for bound in difference.interval)
    return f"{low} to {high}"


def verdict(difference: Difference) -> str:
    """`better`, `worse`, or `level` where they are not told apart."""
    return {1: "better", -1: "worse", 0: "level"}[difference.verdict]


#: What templates may use.
FILTERS = (percent, points, p_value, metric_name, whiskers, spread, figure, count_of, tally, told, interval, verdict, short, near_chance)
