"""Directives that show the options as the commands have them: made from the schema and the files in conf, so that no page can be stale.

{commands}    a section for each command: every option with its value and what it is
{groups}      a section for each group of conf: every option with what it is and its file
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from hydra import compose, initialize_config_dir
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from unite.config.help import Group, groups_of, options_of
from unite.config.register import CONF, register
from unite.config.validate import COMMANDS


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls it."""
    register()
    app.add_directive("commands", Commands)
    app.add_directive("groups", Groups)
    return {"parallel_read_safe": True}


class _Made(SphinxDirective):
    """A directive whose content is Markdown that is made when the site is."""

    def run(self) -> list[nodes.Node]:
        for path in CONF.rglob("*.yaml"):
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes("\n".join(self.lines()), allow_section_headings=True)

    def lines(self) -> Iterator[str]:
        raise NotImplementedError


class Commands(_Made):
    """Every option of every command."""

    def lines(self) -> Iterator[str]:
        """Yields Markdown: a section and a table for each command."""
        for command, needed in COMMANDS.items():
            given = " ".join(f"{one.partition('=')[0]}=..." for one in needed)
            yield f"## unite.{command}\n\n    python -m unite.{command} {given}\n"
            yield from _table("option=value", "what it is")
            for option in options_of(_composed(command, needed)):
                yield f"| {_code(f'{option.name}={option.value}')} | {_plain(option.line)} |"
            yield ""


class Groups(_Made):
    """Every option of every group."""

    def lines(self) -> Iterator[str]:
        """Yields Markdown: a section for each group, with a table and the files."""
        found: dict[str, tuple[Group, list[str]]] = {}
        for command, needed in COMMANDS.items():
            for group in groups_of(command, _composed(command, needed)):
                found.setdefault(group.name, (group, []))[1].append(command)
        for name, (group, commands) in sorted(found.items()):
            yield f"## {name}\n\nOf {' and '.join(f'`unite.{command}`' for command in commands)}: `{group.how}`\n"
            yield from _table("option", "what it is")
            for option, line in group.choices:
                yield f"| {_code(option)} | {_plain(line)} |"
            yield ""
            for option, _ in group.choices:
                text = (CONF / name / f"{option}.yaml").read_text(encoding="utf-8")
                yield f"<details><summary>conf/{name}/{option}.yaml</summary>\n\n````yaml\n{text}````\n\n</details>\n"


def _composed(command: str, needed: list[str]) -> Any:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(command, needed, return_hydra_config=True)


def _table(*heads: str) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text.strip() else ""


def _plain(text: str) -> str:
    """Returns a sentence as Markdown shows it, letter by letter."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>|$" else letter for letter in text)
