"""The dashboard as W&B's own: the panels of a workspace and of a report, by wandb-workspaces (the extra `dashboard`).

Nothing here knows an account: entity and project are set when it is pushed, since a report that has them asks W&B at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unite.comparison.dashboard.seeds import markdown_table, over_seeds
from unite.comparison.dashboard.shown_runs import ShownRun
from unite.errors import ConfigError, must_be
from unite.evaluation.pair_names import short
from unite.evaluation.results import HELD_IN
from unite.tracking.wandb_run import AXES

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2 import Report
    from wandb_workspaces.workspaces import Workspace

#: Axes of parallel coordinates, beyond which nobody reads them.
_MOST_AXES = 16
_MOST_RUNS = 100  # of a panel; W&B itself shows 10


@dataclass(frozen=True)
class Part:
    """One question that a dashboard answers, and its panels."""

    name: str
    about: str
    panels: list[Any]


def check_installed() -> None:
    """Refuses to go on without wandb-workspaces.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        import wandb_workspaces  # noqa: F401
    except ImportError as error:
        hint = "Install it: pip install 'unite[dashboard]'. The page alone needs it not: --html."
        raise ConfigError(must_be("wandb-workspaces", "installed for a W&B dashboard", "missing", hint)) from error


def parts_of(runs: Sequence[ShownRun]) -> list[Part]:
    """Returns the panels of a dashboard of these runs, by what they answer."""
    import wandb_workspaces.reports.v2 as wr

    tasks = _tasks(runs)
    sources = list(dict.fromkeys(source for run in runs for source in run.shares))
    suites = list(dict.fromkeys(suite for run in runs for suite in run.scores))
    mixture, objective = wr.Config("option.mixture"), wr.Config("option.objective")
    scores = [wr.SummaryMetric("score"), *(wr.SummaryMetric(key) for key in tasks)]
    columns = [wr.ParallelCoordinatesPlotColumn(objective, display_name="objective")]
    columns += [wr.ParallelCoordinatesPlotColumn(wr.Config(f"share.{source}"), display_name=f"share {source}") for source in sources]
    columns += [wr.ParallelCoordinatesPlotColumn(score, display_name=score.name) for score in scores]
    shares_first = columns[: max(_MOST_AXES - 1, 2)]
    if len(columns) > _MOST_AXES:
        shares_first += [wr.ParallelCoordinatesPlotColumn(scores[0], display_name="score")]

    def bars(metrics: Sequence[str], group: Any, title: str) -> Any:
        grouped = {"groupby": group, "groupby_aggfunc": "mean", "groupby_rangefunc": "stderr"}
        return wr.BarPlot(
            title=title, metrics=list(metrics), max_runs_to_show=_MOST_RUNS, max_bars_to_show=_MOST_RUNS, **grouped, layout=_half()
        )

    def lines(keys: Sequence[str], title: str, x: str = "Step", **options: Any) -> Any:
        return wr.LinePlot(title=title, x=x, y=list(keys), max_runs_to_show=_MOST_RUNS, layout=_half(), **options)

    by_objective = {"groupby": objective, "groupby_aggfunc": "mean", "groupby_rangefunc": "stderr"}
    by_source = [lines([f"train/source/{source}/loss"], f"loss of {source}") for source in sources]
    aligned = [lines(["train/loss"], f"loss over {axis.removeprefix('progress/')}", axis) for axis in AXES]
    pictures = [f"{suite}/{kind}_picture" for suite in suites for kind in ("pairs", "confusion")]
    examples = [wr.WeavePanelSummaryTable(table_name=f"{suite}/examples", layout=_wide(10)) for suite in suites]
    return [
        Part(
            "Shares and scores",
            "A line is a run: the share of each source, then its scores.",
            [
                wr.ParallelCoordinatesPlot(title="mixture shares against scores", columns=shares_first, layout=_wide(12)),
                wr.ParameterImportancePlot(with_respect_to="score", layout=_half()),
                wr.ScatterPlot(title="two tasks", x=scores[min(1, len(scores) - 1)], y=scores[-1], layout=_half()),
            ],
        ),
        Part(
            "By pair",
            "Main metric of each task; bars are means over runs of a mixture, whiskers standard errors.",
            [
                *(bars([key], mixture, f"{task}, {pair}") for key, (task, pair) in tasks.items()),
                wr.MediaBrowser(title="heatmap of pairs, confusion of modalities", media_keys=pictures, layout=_wide(10)),
            ],
        ),
        Part(
            "Curves by source",
            "Loss while training, and validation.",
            [
                lines(["train/loss"], "loss"),
                lines(["validation/loss"], "validation loss"),
                lines(["validation/score"], "validation score"),
                *aligned,
                *by_source,
            ],
        ),
        Part(
            "MAMCL against InfoNCE",
            "The same by objective: means over the runs of each.",
            [
                bars(["score"], objective, "score by objective"),
                lines(["train/accuracy"], "accuracy by objective", **by_objective),
                *(bars([key], objective, f"{task}, {pair}") for key, (task, pair) in tasks.items()),
            ],
        ),
        Part("The runs", "What differs, and what they still get wrong.", [wr.RunComparer(diff_only="split", layout=_wide(12)), *examples]),
    ]


def make_workspace(title: str, runs: Sequence[ShownRun], run_ids: Sequence[str], parts: Sequence[Part]) -> Workspace:
    """Returns the workspace; see `set_owner` for where it is to be."""
    import wandb_workspaces.workspaces as ws

    sections = [ws.Section(name=part.name, panels=part.panels, is_open=place < 2) for place, part in enumerate(parts)]
    settings = ws.RunsetSettings(
        filters=_only(run_ids), order=[ws.Ordering(ws.Summary("score"), ascending=False)], pinned_columns=_columns(runs)
    )
    return ws.Workspace(
        entity="", project="", name=title, sections=sections, runset_settings=settings, settings=ws.WorkspaceSettings(max_runs=_MOST_RUNS)
    )


def make_report(title: str, notes: Sequence[str], runs: Sequence[ShownRun], run_ids: Sequence[str], parts: Sequence[Part]) -> Report:
    """Returns the report; see `set_owner` for where it is to be."""
    import wandb_workspaces.reports.v2 as wr

    def grid(panels: list[Any]) -> Any:
        columns = _columns(runs)
        order = [wr.OrderBy(wr.SummaryMetric("score"), ascending=False)]
        runset = wr.Runset(
            entity="", project="", name="runs", filters=_only(run_ids), order=order, pinned_columns=columns, visible_columns=columns
        )
        return wr.PanelGrid(runsets=[runset], panels=panels)

    blocks: list[Any] = [wr.P("Made by python -m unite.dashboard. The verdict, with its significance tests, is the page of unite.report.")]
    blocks += [wr.UnorderedList(list(notes))] if notes else []
    recipes = over_seeds(runs)
    if recipes:
        blocks += [wr.H2("Over seeds"), wr.MarkdownBlock(markdown_table(recipes))]
    for part in parts:
        blocks += [wr.H2(part.name), wr.P(part.about), grid(part.panels)]
    return wr.Report(project="", entity="", title=title[:128], description="Which mixture, which objective", blocks=blocks, width="fluid")


def set_owner(view: Report | Workspace, entity: str, project: str) -> None:
    """Says where a workspace or a report is to be."""
    view.entity, view.project = entity, project
    for block in getattr(view, "blocks", ()):
        for runset in getattr(block, "runsets", ()):
            runset.entity, runset.project = entity, project


def _tasks(runs: Sequence[ShownRun]) -> dict[str, tuple[str, str]]:
    """Returns key of the main metric -> (task, pair)."""
    return {
        f"{suite}/{task}/{known.main_metric}": (task, short(known.pair))
        for run in runs
        for suite, result in run.run.suites.items()
        if not suite.endswith(HELD_IN)
        for task, known in result.tasks.items()
    }


def _columns(runs: Sequence[ShownRun]) -> list[str]:
    return [
        "run:displayName",
        "config:option.value.mixture",
        "config:option.value.objective",
        "config:seed.value",
        "summary:score",
        *(f"summary:{key}" for key in _tasks(runs)),
    ]


def _only(run_ids: Sequence[str]) -> str:
    """Returns the filter for these runs."""
    return f"Metric('ID') in [{', '.join(map(repr, run_ids))}]"


def _half() -> Any:
    import wandb_workspaces.reports.v2 as wr

    return wr.Layout(w=12, h=8)


def _wide(height: int) -> Any:
    import wandb_workspaces.reports.v2 as wr

    return wr.Layout(w=24, h=height)
