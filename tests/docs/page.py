"""What a page of the documentation tells its reader to write and to run."""

import re
import shlex
import textwrap

_FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


def files_of(page):
    """(name, text) of each block that has a name."""
    for block in _FENCE.finditer(page):
        caption, _, text = block["body"].partition("\n")
        if block["kind"].startswith("{code-block}"):
            yield caption.removeprefix(":caption: "), text


def commands_of(page):
    """The arguments of each `python -m <module> ...` in a shell block, as a shell would part them."""
    for block in _FENCE.finditer(page):
        if block["kind"] == "shell":
            python, dash_m, *words = shlex.split(textwrap.dedent(block["body"]).replace("\\\n", " "))
            assert (python, dash_m) == ("python", "-m")
            yield words
