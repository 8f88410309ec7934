"""What a user sees of an error: its message, and no traceback."""

import errno
from types import SimpleNamespace

import pytest
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from unite.config.schema import ExportConfig
from unite.entry import seed_everything, shown_errors
from unite.errors import ConfigError, DataError


def shown(main, caplog, *arguments):
    with pytest.raises(SystemExit) as ended:
        shown_errors(main)(*arguments)
    assert ended.value.code == 1
    return caplog.records[-1].getMessage()


def raising(error):
    def main(*arguments):
        raise error

    return main


def test_an_error_of_the_users_is_its_message(caplog):
    assert shown(raising(ConfigError("seed must be 0")), caplog) == "ConfigError: seed must be 0"


def test_a_bug_keeps_its_traceback():
    for bug in (ValueError("x"), FileNotFoundError(errno.ENOENT, "x")):
        with pytest.raises(type(bug)):
            shown_errors(raising(bug))()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOTDIR])
def test_what_cannot_be_written_is_said(caplog, code):
    message = shown(raising(OSError(code, "because", "/some/where")), caplog)
    assert "nothing can be written" in message and "/some/where" in message and "runs_root" in message


def test_values_that_were_not_given_are_named_at_once(caplog):
    config = OmegaConf.create({"checkpoint": "???", "deep": {"er": "???"}, "here": 1})
    message = shown(raising(AssertionError("too late")), caplog, config)
    assert message == "ConfigError: checkpoint, deep.er must be given, but is 'missing'. Add checkpoint=... deep.er=... to the command."


def test_values_that_were_left_empty_are_named_too(caplog):
    config = OmegaConf.structured(ExportConfig(run=" ", out=""))
    message = shown(raising(AssertionError("too late")), caplog, config)
    assert message == "ConfigError: run, out must be given, but is 'empty'. Say it behind run= and out=."


def test_where_several_jobs_run_in_one_process_an_error_ends_one_of_them(caplog, monkeypatch):
    monkeypatch.setattr(HydraConfig, "initialized", staticmethod(lambda: True))
    monkeypatch.setattr(HydraConfig, "get", staticmethod(lambda: SimpleNamespace(mode=RunMode.MULTIRUN)))
    for error in (ConfigError("seed must be 0"), OSError(errno.ENOSPC, "full")):
        with pytest.raises(type(error)):  # which Hydra catches, unlike SystemExit
            shown_errors(raising(error))()
    assert "ConfigError: seed must be 0" in caplog.text and "nothing can be written" in caplog.text


class Unreadable(torch.utils.data.Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, at):
        raise DataError("the content must be shorter, but is long.\nCut it.")


def test_an_error_in_a_worker_is_its_message_alone(caplog):
    loader = torch.utils.data.DataLoader(Unreadable(), num_workers=1, multiprocessing_context="fork")
    assert shown(lambda: list(loader), caplog) == "DataError: the content must be shorter, but is long.\nCut it."


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ConfigError, match=f"seed must be from 0 to 4294967295, but is {seed}"):
        seed_everything(seed)
