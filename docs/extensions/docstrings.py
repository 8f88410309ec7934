"""Docstrings as they are written here, made into reStructuredText: Markdown's `code`, and drawings and columns left as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring

_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Warns|Note|Example|Examples):\s*$")
_COLUMNS = re.compile(r"\S {3,}\S")
_CODE = re.compile(r"(?<![`:\w])`([^`\n]+)`(?![`_])(?=(\w)?)")
_Fields = list[tuple[str, str, list[str]]]
_SECTIONS = Config(napoleon_use_ivar=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls it."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True}


def _process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    end = next((number for number, line in enumerate(lines) if _SECTION.match(line)), len(lines))
    lines[:] = [*_prose(lines[:end]), *(_literal(line) for line in lines[end:])]
    # The whole extension would take what stands before a colon in the line about an attribute for its type.
    if what not in ("attribute", "data", "property"):
        lines[:] = _Docstring(lines, _SECTIONS, app, what, name, obj, options).lines()


class _Docstring(GoogleDocstring):
    """Napoleon's, but that what is returned is described and its type stands in the signature, and that attributes may share a line."""

    def _consume_returns_section(self, preprocess_types: bool = False) -> _Fields:
        lines = self._dedent(self._consume_to_next_section())
        return [("", "", lines)] if lines else []

    def _consume_fields(self, parse_type: bool = True, prefer_type: bool = False, multiple: bool = False) -> _Fields:
        return super()._consume_fields(parse_type, prefer_type, multiple=True)


def _prose(lines: list[str]) -> list[str]:
    """Returns what stands before the sections, its paragraphs told from its drawings."""
    made: list[str] = []
    for is_blank, group in groupby(lines, key=lambda line: not line.strip()):
        block = list(group)
        if is_blank:
            made += block
        elif _is_drawn(block):
            language = "python" if block[0].lstrip().startswith(">>>") else "text"
            made += [f".. code-block:: {language}", "", *(f"    {line}" for line in block), ""]
        else:
            made += [_literal(line) for line in _with_lists(block)]
    return made


def _with_lists(block: list[str]) -> Iterator[str]:
    """Yields a paragraph's lines with a blank one before its list, and one after, as Markdown does without."""
    in_list = False
    for line in block:
        begins = line.startswith("- ")
        if begins != in_list and not (in_list and line.startswith("  ")):
            yield ""
            in_list = begins
        yield line


def _literal(line: str) -> str:
    """Returns the line with its `code` as literals; a letter that follows one has to be parted from it."""
    return _CODE.sub(lambda code: f"``{code[1]}``" + ("\\ " if code[2] else ""), line)


def _is_drawn(block: list[str]) -> bool:
    """Whether a block is a drawing, columns or code: indented as a whole, or with gaps within most of its lines."""
    is_indented = all(line.startswith("    ") for line in block)
    gaps = sum(bool(_COLUMNS.search(line.strip())) for line in block)
    return is_indented or (gaps > len(block) / 2 and not block[0].startswith(">>>"))
