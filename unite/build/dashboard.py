"""What `python -m unite.dashboard` makes: the page, its server, W&B's workspace and report."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from unite.comparison.dashboard.gather import Gathered, Gathering
from unite.comparison.dashboard.page import render_dashboard
from unite.comparison.dashboard.payload import make_payload
from unite.comparison.dashboard.server import HOST, make_server
from unite.comparison.dashboard.wandb_file import SUFFIX, push_wandb_file, write_wandb_file
from unite.errors import ConfigError
from unite.files import write_text


def write_page(gathered: Gathered, out: Path) -> str:
    """Writes `<out>.html`, with a link to the report beside it if there is one; returns a line about it."""
    report = out.with_name("report.html")
    link = report.name if report.is_file() else None
    page = render_dashboard(make_payload(gathered.runs, gathered.notes, gathered.title), report=link)
    path = Path(f"{out}.html")
    write_text(path, page)
    return f"The page is {path}, {len(page.encode(errors='replace')) / 1e6:.1f} MB."


def serve(gathering: Gathering, port: int, console: Console) -> None:
    """Serves the page until Ctrl-C."""
    server = make_server(gathering, port)
    console.print(f"The dashboard is at http://{HOST}:{server.server_port}/ until Ctrl-C.", highlight=False)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def write_specification(gathered: Gathered, out: Path, *, is_asked: bool) -> str:
    """Writes `<out>.wandb.json` and returns a line about it; without wandb-workspaces the line says how to get it.

    Raises:
        ConfigError: if wandb-workspaces is not installed and the file is asked for.
    """
    path = Path(f"{out}{SUFFIX}")
    try:
        write_wandb_file(gathered, path)
    except ConfigError as error:
        if is_asked:
            raise
        return f"No W&B dashboard: {error}"
    return f"W&B's workspace and report are in {path}; the same command with --push uploads them and the runs."


def push(out: Path, project: str, entity: str | None) -> list[str]:
    """Uploads the runs, the workspace and the report; returns lines about where they are."""
    return push_wandb_file(Path(f"{out}{SUFFIX}"), project, entity)
