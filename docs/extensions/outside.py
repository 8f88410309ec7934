"""Links that leave docs/, as a reader of the repository follows them, made into what the site has of it.

    ../experiments/<study>/README.md  ->  studies/<study>.md        a page that includes it
    ../CONTRIBUTING.md, ../CHANGELOG.md  ->  contributing.md, changelog.md
    ../README.md  ->  index.md

Other files of the repository are offered as downloads, which is MyST's own way.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "README.md": "index.md"}
_STUDY = re.compile(r"\]\((?:\.\./)+experiments/(\w+)/README\.md")
_PAGE = re.compile(r"\]\((?:\.\./)+(CONTRIBUTING|CHANGELOG|README)\.md")
_SIBLING = re.compile(r"\]\(\.\./(\w+)/README\.md")
_WITHIN = re.compile(r"\]\(docs/")
_RESULTS = re.compile(r"\]\((results\.json|table\.md)\)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls it."""
    app.connect("source-read", _read)
    app.connect("include-read", _include)
    return {"parallel_read_safe": True}


def _read(app: Sphinx, name: str, content: list[str]) -> None:
    text = _STUDY.sub(r"](/studies/\1.md", content[0])
    content[0] = _PAGE.sub(lambda found: f"](/{_PAGES[f'{found[1]}.md']}", text)


def _include(app: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """Of a study or a page of the repository's root: links to its neighbours are to those pages, its results lie beside it."""
    text = _STUDY.sub(r"](/studies/\1.md", _WITHIN.sub("](/", content[0]))
    text = _SIBLING.sub(r"](/studies/\1.md", text)
    content[0] = _RESULTS.sub(rf"](path:../../experiments/{path.parent.name}/\1)", text)
