"""The W&B dashboard as a file: made without a network, pushed when there is one.

    {"title", "runs": [{"name", "folder"}], "workspace": W&B's specification, "report": the same, "pushed": {"report": id, "workspace": id}}

What was pushed before is replaced: the file remembers what W&B called it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unite.comparison.dashboard.gather import Gathered
from unite.comparison.dashboard.wandb_views import check_installed, make_report, make_workspace, parts_of, set_owner
from unite.comparison.evaluated_runs import read_run
from unite.errors import DataError, TrackingError
from unite.files import read_json, write_json
from unite.progress import tracked
from unite.runs import sweep_of
from unite.tracking.wandb_push import PushedRun, push_run
from unite.tracking.wandb_run import run_id

SUFFIX = ".wandb.json"


def write_wandb_file(gathered: Gathered, path: Path) -> None:
    """Writes the dashboard of these runs. Nothing is asked of any network.

    Raises:
        ConfigError: if wandb-workspaces is not installed.
    """
    check_installed()
    runs = gathered.runs
    ids = [run_id(run.run.trained) for run in runs]
    parts = parts_of(runs)
    workspace = make_workspace(gathered.title, runs, ids, parts)
    report = make_report(gathered.title, gathered.notes, runs, ids, parts)
    pushed = read_json(path).get("pushed", {}) if path.is_file() else {}
    write_json(
        path,
        {
            "title": gathered.title,
            "runs": [{"name": run.name, "folder": str(run.run.folder)} for run in runs],
            "workspace": workspace._to_model().model_dump(mode="json", by_alias=True, exclude_none=True),
            "report": report._to_model().model_dump(mode="json", by_alias=True, exclude_none=True),
            "pushed": pushed,
        },
    )


def read_wandb_file(path: Path) -> tuple[list[tuple[str, Path]], Any, Any]:
    """Reads a dashboard back: (name, folder) of its runs, the workspace, the report.

    Raises:
        ConfigError: if wandb-workspaces is not installed.
        DataError: if the file is no dashboard.
    """
    check_installed()
    from pydantic import ValidationError
    from wandb_workspaces.reports.v2 import Report
    from wandb_workspaces.reports.v2.internal import ReportViewspec
    from wandb_workspaces.workspaces import Workspace
    from wandb_workspaces.workspaces.internal import View

    fields = read_json(path, "Make it again: python -m unite.dashboard <runs>.")
    try:
        workspace = Workspace._from_model(View.model_validate(fields["workspace"]))
        report = Report._from_model(ReportViewspec.model_validate(fields["report"]))
        runs = [(str(run["name"]), Path(run["folder"])) for run in fields["runs"]]
        pushed = fields.get("pushed", {})
        workspace._internal_name, workspace._internal_id = pushed.get("workspace_name", ""), pushed.get("workspace", "")
        report.id = pushed.get("report", "")
    except (KeyError, TypeError, ValidationError) as error:
        raise DataError(f"{path} holds no dashboard ({error}). Make it again: python -m unite.dashboard <runs>.") from error
    return runs, workspace, report


def push_wandb_file(path: Path, project: str, entity: str | None) -> list[str]:
    """Pushes the runs, the workspace and the report; returns a line about each.

    Raises:
        TrackingError: if W&B cannot be reached, or refuses something.
    """
    import wandb

    runs, workspace, report = read_wandb_file(path)
    lines = []
    for name, folder in tracked(runs, "pushing the runs", "runs"):
        url, sent = push_run(_pushed(name, folder), project, entity)
        lines.append(f"{name}: {sent} new rows, {url}")
    try:
        owner = entity or str(wandb.Api().default_entity)
        for view in (workspace, report):
            set_owner(view, owner, project)
        workspace.save()
        report.save()
    except (wandb.errors.Error, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise TrackingError(f"the runs are on W&B, but the dashboard {path} could not be pushed ({error}). Push it again.") from error
    fields = read_json(path)
    fields["pushed"] = {"workspace": workspace._internal_id, "workspace_name": workspace._internal_name, "report": report.id}
    write_json(path, fields)
    return [*lines, f"The workspace is {workspace.url}", f"The report is {report.url}"]


def _pushed(name: str, folder: Path) -> PushedRun:
    run = read_run(folder, name, with_failures=False)
    trained = run.trained.resolve()
    settings = run.config.get("logger") or {}
    group = settings.get("group") or sweep_of(trained, run.config)
    return PushedRun(trained, run.folder, f"{run.config.get('name') or name}/{trained.name}", group, run.config, run.choices)
