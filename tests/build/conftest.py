"""A sweep whose jobs only pretend to run."""

import json

import pytest
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra

from unite.build.sweep import register_sweeps
from unite.config.register import CONF, RUN_STARTED, register
from unite.sweeps.processes import Ended


@pytest.fixture
def sweep(tmp_path, monkeypatch, capsys):
    """Runs a sweep whose jobs are not checked by what is slow to import, and pretend to run; returns its exit status and what it said."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr("unite.build.check.Checks.__call__", lambda *given: None)

    def pretend(jobs, num_parallel, *, on_start, on_end, **shares):
        for number, job in enumerate(jobs):
            on_start(number)
            commands.append(job.command)
            job.folder.mkdir(parents=True, exist_ok=True)
            (job.folder / "overrides.json").write_text("[]")
            if job.name in fails:
                on_end(number, Ended(-9, 1.0))
                continue
            (job.folder / "finished").touch()
            (job.folder / "metrics.json").write_text(json.dumps({"score": start.score(job.command)}))
            on_end(number, Ended(0, 1.0))

    monkeypatch.setattr("unite.build.launcher.run_jobs", pretend)
    commands, fails = [], set()

    def start(*arguments, failing=()):
        monkeypatch.delenv(RUN_STARTED, raising=False)
        monkeypatch.setattr("sys.argv", ["train", *arguments])
        register()
        register_sweeps()
        fails.clear()
        fails.update(failing)
        commands.clear()
        capsys.readouterr()
        hydra = Hydra.create_main_hydra2("train", create_config_search_path(str(CONF)))
        status = 0
        try:
            hydra.multirun("train", lambda config: None, [*arguments, f"runs_root={tmp_path}", "hydra.mode=MULTIRUN"], False)
        except SystemExit as end:
            status = end.code
        finally:
            GlobalHydra.instance().clear()
        return status, " ".join(capsys.readouterr().out.split())

    start.commands = commands
    start.score = lambda command: 0.5
    return start
