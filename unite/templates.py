"""Pages from Jinja2 templates, in which every value is escaped for the language that it is put into.

Templates stand beside the code that prepares what they show, in the folder `templates` of its package. They hold the markup and nothing
else; words and numbers come through filters, as in `{{ cell.value | percent }}`. A name that is not defined is an error, never a gap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

#: What would end a cell or begin code or a tag. A `<` before a number is none: `p <0.001` stays as it is.
_MARKDOWN = re.compile(r"[\\|`]|<(?=[A-Za-z/!?])")
_LINE_BREAKS = re.compile(r"[\r\n]+")

Filters = Iterable[Callable[..., Any]]


def html_environment(package: str, filters: Filters = ()) -> Environment:
    """Returns the templates of a package, values escaped for HTML.

    Args:
        package: its name; the templates are in its folder `templates`.
        filters: functions that the templates may use, each by its own name.
    """
    return _environment(package, filters)


def markdown_environment(package: str, filters: Filters = ()) -> Environment:
    """Returns the templates of a package, values escaped for a line of Markdown. The filter `code` makes a value code.

    Args:
        package: its name; the templates are in its folder `templates`.
        filters: functions that the templates may use, each by its own name.
    """
    # Autoescape sees what `finalize` returns, which is Markup already: it only keeps what macros return from being escaped twice.
    return _environment(package, (*filters, code), finalize=escape_markdown)


def escape_markdown(value: object) -> Markup:
    """Returns a value as text of one line, in a table or out of it; what is markup already stays."""
    if isinstance(value, Markup):
        return value
    return Markup(_LINE_BREAKS.sub(" ", _MARKDOWN.sub(r"\\\g<0>", str(value))))


def code(value: str) -> Markup:
    """Returns a value as Markdown code of one line: nothing in it is escaped but the sign that ends a table's cell."""
    text = _LINE_BREAKS.sub(" ", value).replace("|", r"\|")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, gap = "`" * (longest + 1), " " * bool(longest)
    return Markup(f"{fence}{gap}{text}{gap}{fence}")


def _environment(package: str, filters: Filters, **options: Any) -> Environment:
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )
    environment.filters |= {function.__name__: function for function in filters}
    return environment
