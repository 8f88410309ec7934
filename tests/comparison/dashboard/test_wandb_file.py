"""The W&B dashboard: built without a network, read back, pushed to a server that keeps what it gets; `wandb_views.py` by way of it."""

import builtins
import json

import pytest
import wandb

from tests.comparison.dashboard.material import write_job, write_sweep
from tests.fake_wandb import ENTITY, fake_wandb
from unite.comparison.dashboard.gather import Gathering
from unite.comparison.dashboard.wandb_file import push_wandb_file, read_wandb_file, write_wandb_file
from unite.errors import ConfigError, DataError
from unite.tracking.wandb_run import run_id


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    sweep = write_sweep(tmp_path / "mixtures", shares=(0.2, 0.8), objectives=("mamcl",))
    write_job(sweep / "2_open", 0.5, finished=False)
    path = tmp_path / "d.wandb.json"
    write_wandb_file(Gathering([str(sweep)]).read(), path)
    return path


def panels_of(blocks):
    return [panel for block in blocks for panel in getattr(block, "panels", ())]


def test_it_is_read_back_as_it_was_built(written):
    runs, workspace, report = read_wandb_file(written)
    assert [name for name, _ in runs] == ["0_mamcl_0.2", "1_mamcl_0.8", "2_open"]
    titles = ["Shares and scores", "By pair", "Curves by source", "MAMCL against InfoNCE", "The runs"]
    assert [section.name for section in workspace.sections] == titles
    assert workspace.name == report.title == "mixtures: 3 runs"
    for panels in (panels_of(workspace.sections), panels_of(report.blocks)):
        kinds = {type(panel).__name__ for panel in panels}
        assert kinds >= {"ParallelCoordinatesPlot", "BarPlot", "LinePlot", "ScatterPlot", "RunComparer", "MediaBrowser"}
        columns = panels[0].columns
        assert [column.metric.name for column in columns] == [
            "option.objective",
            "share.t2i",
            "share.t2v",
            "score",
            *(f"emoji/{task}/recall@1" for task in ("t2i", "i2t", "it2v")),
        ]
        lines = {key.name for panel in panels if type(panel).__name__ == "LinePlot" for key in panel.y}
        assert lines >= {"train/loss", "train/source/t2i/loss", "train/source/t2v/loss", "validation/score"}
        assert any(getattr(panel.x, "name", "") == "progress/tokens" for panel in panels if type(panel).__name__ == "LinePlot")
    text = json.dumps(json.loads(written.read_text())["report"])
    assert "95 % interval over seeds" in text
    assert "Not finished, so without scores yet: 2_open." in text
    for _, folder in runs:
        assert run_id(folder) in workspace.runset_settings.filters


def test_it_is_pushed_and_replaced_the_second_time(written, monkeypatch):
    with fake_wandb() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        monkeypatch.delenv("WANDB_MODE")
        wandb.teardown()
        lines = push_wandb_file(written, "unite", None)
        assert len(server.runs) == 3
        assert {run["group"] for run in server.runs.values()} == {"mixtures"}
        assert len(lines) == 5
        assert lines[0].startswith("0_mamcl_0.2: 20 new rows, ")
        assert sorted(view["type"] for view in server.views.values()) == ["project-view", "runs"]
        for view in server.views.values():
            assert (view["entityName"], view["projectName"], view["displayName"]) == (ENTITY, "unite", "mixtures: 3 runs")
            assert "share.value.t2i" in view["spec"] or "share.t2i" in view["spec"]
        report = json.loads(next(view["spec"] for view in server.views.values() if view["type"] == "runs"))
        runset = next(block for block in report["blocks"] if block.get("metadata", {}).get("runSets"))["metadata"]["runSets"][0]
        assert runset["project"] == {"entityName": ENTITY, "name": "unite", "id": "17"}
        again = push_wandb_file(written, "unite", ENTITY)
        assert again[0].startswith("0_mamcl_0.2: 0 new rows, ")
        assert len(server.views) == 2
        wandb.teardown()


def test_a_file_that_is_no_dashboard(tmp_path):
    path = tmp_path / "x.wandb.json"
    path.write_text('{"workspace": {}}')
    with pytest.raises(DataError, match="holds no dashboard"):
        read_wandb_file(path)


def test_without_the_library_it_is_told_how_to_get_it(written, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("wandb_workspaces"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        ConfigError,
        match=r"wandb-workspaces must be installed for a W&B dashboard, but is 'missing'. Install it: pip install 'unite\[dashboard\]'",
    ):
        read_wandb_file(written)
