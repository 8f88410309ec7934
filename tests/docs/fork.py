"""Runs commands one after the other as `python -m <module> ...` would, each in a process of its own that has torch imported already.

Its input is a JSON list of commands, [module, argument, ...] each. It ends with the status of the first that fails.
"""

import json
import os
import runpy
import sys
import traceback
from importlib import import_module


def run(module, arguments):
    """Never returns: it is the child."""
    sys.argv = [module, *arguments]
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    for name in ("unite", "peft", "pytorch_lightning", "transformers", "wandb"):  # unite first, as it says
        import_module(name)
    for words in json.load(sys.stdin):
        sys.stdout.write(f"$ python -m {' '.join(words)}\n")
        sys.stdout.flush()
        child = os.fork()
        if not child:
            run(words[0], words[1:])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            sys.exit(f"{words[0]} ended with {status}")
