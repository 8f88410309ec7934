"""Paths and options in tables may break after their parts, and nowhere within: a `<wbr>`, which is not copied."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

_PART = re.compile(r"(?<=[/_.=:@,])(?=[^/_.=:@,])")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls it."""
    app.connect("doctree-resolved", _break)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _break(app: Sphinx, tree: nodes.document, name: str) -> None:
    for cell in list(tree.findall(nodes.entry)):
        for code in list(cell.findall(nodes.literal)):
            text = "<wbr>".join(escape(part) for part in _PART.split(code.astext()))
            code.replace_self(nodes.raw("", f'<code class="literal">{text}</code>', format="html"))
