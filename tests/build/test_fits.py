import io
import logging

import pytest
from rich.console import Console

from tests.composed import composed
from unite.build import fits


@pytest.mark.parametrize(("memory", "is_told"), [(4e9, True), (1e15, False)])
def test_a_run_that_does_not_fit_is_told_at_its_head(monkeypatch, caplog, memory, is_told):
    monkeypatch.setattr(fits, "memory_here", lambda accelerator: memory)
    file = io.StringIO()
    with caplog.at_level(logging.WARNING):
        assert fits.tell_what_does_not_fit(composed("train", "+experiment=paper_stage2"), Console(file=file)) == is_told
    assert ("memory in all" in file.getvalue()) == is_told and "hours" not in file.getvalue()
    assert ("adaptation does not fit" in caplog.text) == is_told


def test_the_built_in_encoder_and_one_that_cannot_be_counted_are_passed_over(monkeypatch):
    monkeypatch.setattr(fits, "memory_here", lambda accelerator: 1.0)
    assert not fits.tell_what_does_not_fit(composed("train"), Console())
    assert not fits.tell_what_does_not_fit(composed("train", "encoder=qwen2_vl_2b", "encoder.path=no/such"), Console())


def test_the_memory_of_this_machine_is_some():
    assert 1e8 < fits.memory_here("cpu") < 1e14
