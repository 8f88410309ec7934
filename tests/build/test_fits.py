import logging

import pytest

from tests.composed import composed
from unite.build import fits


@pytest.mark.parametrize(("memory", "is_told"), [(4e9, True), (1e15, False)])
def test_a_run_that_does_not_fit_is_told_at_its_head(monkeypatch, capsys, caplog, memory, is_told):
    monkeypatch.setattr(fits, "memory_here", lambda accelerator: memory)
    with caplog.at_level(logging.WARNING):
        assert fits.tell_what_does_not_fit(composed("train", "+experiment=paper_stage2")) == is_told
    assert ("memory in all" in capsys.readouterr().out) == is_told
    assert ("adaptation does not fit" in caplog.text) == is_told and "hours" not in capsys.readouterr().out


def test_the_built_in_encoder_and_one_that_cannot_be_counted_are_passed_over(monkeypatch):
    monkeypatch.setattr(fits, "memory_here", lambda accelerator: 1.0)
    assert not fits.tell_what_does_not_fit(composed("train"))
    assert not fits.tell_what_does_not_fit(composed("train", "encoder=qwen2_vl_2b", "encoder.path=no/such"))


def test_the_memory_of_this_machine_is_some():
    assert 1e8 < fits.memory_here("cpu") < 1e14
