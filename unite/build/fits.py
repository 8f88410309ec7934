"""Whether a run has room on the machine that it is begun on: told at its head, with the figures of `python -m unite.plan`."""

from __future__ import annotations

import logging
import os
from typing import cast

import torch
from omegaconf import OmegaConf
from rich.console import Console

from unite.build.device import device_here
from unite.build.plan import build_plans
from unite.config.schema import TrainConfig
from unite.errors import UniteError
from unite.planning.table import notes, table
from unite.processes import is_first_started

log = logging.getLogger(__name__)


def tell_what_does_not_fit(config: TrainConfig, console: Console) -> bool:
    """Prints the plan of a run that takes more memory than there is, and returns whether it does.

    It is an estimate, so the run goes on. A built-in encoder is small everywhere and is not counted.
    """
    if not (config.init_from or config.encoder.get("path")) or not is_first_started():
        return False
    devices = config.trainer.devices
    if not isinstance(devices, int) or devices < 1:  # auto, -1
        devices = max(1, torch.cuda.device_count()) if config.trainer.accelerator != "cpu" else 1
    here = {"memory_gb": memory_here(config.trainer.accelerator) / 1e9, "peak_tflops": 1.0}
    known = {"device": "here", "devices": devices * config.trainer.num_nodes, **here}
    try:
        plans, told = build_plans(cast(TrainConfig, OmegaConf.merge(config, {"plan": known})))
    except UniteError as error:  # an encoder of the user's own, say
        log.debug("the run is not counted: %s", error)
        return False
    large = [plan for plan in plans if not plan.fits]
    if large:
        console.print(table(plans, told, has_times=False))
        for line in notes(plans, has_times=False):
            log.warning("%s", line)
    return bool(large)


def memory_here(accelerator: str) -> float:
    """Returns the bytes of the first GPU, or where training runs on the CPU, of the machine."""
    if device_here(accelerator).type == "cuda":
        return float(torch.cuda.get_device_properties(0).total_memory)
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
