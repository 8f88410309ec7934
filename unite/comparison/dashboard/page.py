"""The dashboard as one file: data, charting library, pictures inside. It asks nothing of any network."""

from __future__ import annotations

from functools import cache
from importlib import resources

from markupsafe import Markup

from unite.comparison.dashboard.payload import Payload
from unite.comparison.wording import count_of
from unite.templates import html_environment

#: Apache ECharts 6.1.0, `dist/echarts.min.js` of its npm package, as it is; see `vendor/NOTICE.md`.
_LIBRARY = "vendor/echarts.min.js"


def render_dashboard(payload: Payload, *, report: str | None = None, live: bool = False) -> str:
    """Returns the HTML page.

    Args:
        payload: the runs.
        report: address of the page of `unite.report`, for a link.
        live: whether a server gives the page, which then asks it for news and for failures.
    """
    environment = html_environment("unite.comparison", (count_of,))
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}  # of `tojson`: no spaces
    template = environment.get_template("dashboard/dashboard.html.j2")
    return template.render(
        data=payload.runs,
        searches=payload.searches,
        failures=None if live else payload.failures,
        library=_library(),
        report=report,
        live=live,
    )


@cache
def _library() -> Markup:
    # As it is, the one thing on the page that is no value: it ends no script element, which a test holds.
    return Markup(resources.files(__package__).joinpath(_LIBRARY).read_text(encoding="utf-8"))
