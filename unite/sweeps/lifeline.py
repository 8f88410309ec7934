"""A job ends when its launcher is gone: nobody would see it, and the sweep that is resumed would begin it a second time."""

from __future__ import annotations

import os
import signal
import threading
import time

#: The environment variable that names the launcher's process.
LAUNCHER = "UNITE_SWEEP_LAUNCHER"

#: Seconds between two looks.
_EVERY = 0.25


def end_with_launcher() -> None:
    """Watches the launcher that started this process, if one did, and ends the whole process group when it is gone.

    Processes that this one starts have another parent, and are ended with the group.
    """
    launcher = os.environ.pop(LAUNCHER, None)
    if launcher is not None:
        threading.Thread(target=_watch, args=(int(launcher),), name="lifeline", daemon=True).start()


def _watch(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_EVERY)
    os.killpg(os.getpgrp(), signal.SIGKILL)
