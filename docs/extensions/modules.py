"""A directive that shows every module of packages, from their docstrings: `{modules} unite.objective unite.retrieval`.

A package that no page shows is an error, so that none is forgotten; those in `_NOT_SHOWN` are what commands are made of.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import unite

_log = logging.getLogger(__name__)
#: Not for use from Python: their words are those of the commands, in reference/commands.
_NOT_SHOWN = {"unite.build", "unite.comparison", "unite.sweeps", "unite.tracking"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls it."""
    app.add_directive("modules", Modules)
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True}


class Modules(SphinxDirective):
    """A heading and the docstrings of each module of the packages that are named; of `unite` itself, its own modules alone."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Returns the sections."""
        shown = self.env.metadata[self.env.docname].setdefault("packages", "")
        self.env.metadata[self.env.docname]["packages"] = f"{shown} {self.arguments[0]}"
        lines = [line for package in self.arguments[0].split() for name in _names(import_module(package)) for line in _section(name)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _names(package: ModuleType) -> Iterator[str]:
    """Yields the package and its modules; of `unite` the modules that are no commands."""
    if package is unite:
        found = (one.name for one in pkgutil.iter_modules(unite.__path__, "unite.") if not one.ispkg)
        yield from (name for name in found if not hasattr(import_module(name), "main") and name != "unite.entry")
        return
    yield package.__name__
    found = (one.name for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
    yield from (name for name in found if not name.endswith(".__main__"))


def _section(name: str) -> list[str]:
    # Of each object, one place: where it is written, and not again where it is imported.
    options = ["   :members:", "   :show-inheritance:", "   :ignore-module-all:", "   :member-order: bysource"]
    return [f"## {name}", "", "```{eval-rst}", f".. automodule:: {name}", *options, "```", ""]


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    shown = {package for page in env.metadata.values() for package in page.get("packages", "").split()}
    packages = {one.name for one in pkgutil.iter_modules(unite.__path__, "unite.") if one.ispkg}
    for package in sorted(packages - shown - _NOT_SHOWN - {f"{one.rpartition('.')[0]}" for one in shown}):
        _log.warning("%s must be on a page of the reference: add it to a {modules} in docs/reference/python", package)
