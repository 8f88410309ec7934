"""The page of a dashboard: what it carries, and in a real browser what a reader does with it; `payload.py` and `gather.py` by way of it."""

import json
import re

import pytest

from tests.browser import needs_browser
from tests.comparison.dashboard.material import many_runs, page_of, write_job, write_sweep
from tests.comparison.material import Page
from tests.tab import opened
from unite.comparison.dashboard import page
from unite.comparison.dashboard.gather import Gathering
from unite.comparison.dashboard.page import render_dashboard
from unite.comparison.dashboard.payload import make_payload, told_apart

#: Where the axis of t2i's share stands in its chart: its place across, and the heights of 0.6 and 0.9.
AXIS = """(() => {
  const place = parallelKeys().filter(key => parallel.picked.has(key)).indexOf("share:t2i");
  const all = chartIn(document.getElementById("parallel")).getModel().getComponent("parallel").coordinateSystem;
  const axis = all.getAxis(`dim${place}`), [x, y] = all.getAxisLayout(`dim${place}`).position;
  return [x, y - axis.dataToCoord(0.6), y - axis.dataToCoord(0.9)];
})()"""
OVER = "document.querySelector('#curves select[data-name=over]')"
#: How many pixels of the first chart are painted.
PAINTED = """(() => {
  const canvas = document.querySelector("#parallel canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.filter((value, place) => place % 4 === 3 && value > 0).length;
})()"""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    sweep = write_sweep(folder / "mixtures")
    write_job(sweep / "6_hostile</script><script>alert(1)</script>".replace("/", "_"), 0.4, finished=False)
    return page_of(folder / "dashboard.html", sweep)


def data_of(text, name="data"):
    return json.loads(re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.DOTALL)[1])


def test_the_page_needs_nothing_else(rendered):
    found = Page(rendered.read_text())
    assert not [attributes for _, attributes in found.tags for name in ("src", "href") if name in attributes]
    assert "</script" not in page._library()
    assert "http" not in re.sub(r"<script>.*?</script>", "", rendered.read_text(), flags=re.DOTALL)


def test_it_carries_the_runs(rendered):
    data, failures = data_of(rendered.read_text()), data_of(rendered.read_text(), "failures")
    assert len(data["runs"]) == 7
    first = next(run for run in data["runs"] if run["name"] == "0_mamcl_0.2")
    assert first["sweep"] == "mixtures"
    assert first["shares"] == {"t2i": 0.2, "t2v": 0.8}
    assert (first["mixture"], first["objective"], first["status"]) == ("share_0.2", "mamcl", "finished")
    assert first["settings"]["mixture.shares.t2i"] == "0.2"
    assert not any(key.startswith("adaptation.mixture") for key in (*first["settings"], *data["settings"]))  # a double
    assert data["directions"]["train/loss"] == "lower"
    assert data["notes"] == ["Not finished, so without scores yet: 6_hostile<_script><script>alert(1)<_script>."]
    assert len(failures["contents"]) == 3  # of all runs, each content once
    assert set(failures["runs"]) == {str(place) for place, run in enumerate(data["runs"]) if run["status"] == "finished"}


def test_mixtures_of_one_option_are_numbered_by_their_shares(tmp_path):
    for number, share in enumerate((0.2, 0.5, 0.2)):
        folder = write_job(tmp_path / str(number), share, finished=False)
        (folder / "hydra" / "hydra.yaml").write_text("hydra: {runtime: {choices: {mixture: both}}}")
    assert told_apart(Gathering([str(tmp_path)]).read().runs) == ["both (1)", "both (2)", "both (1)"]


def test_two_hundred_runs_stay_small(tmp_path):
    """Of runs as large as the built-in one: as many rows and values, and more failures with pictures than a page can carry."""
    text = render_dashboard(make_payload(many_runs(tmp_path, 200), [], "many"))
    assert len(text.encode()) < 20e6
    data = data_of(text)
    assert len(data["runs"]) == 200
    assert "left out, to keep the page small" in data["notes"][-1]


def test_five_hundred_short_runs_are_shown_too(tmp_path):
    text = render_dashboard(make_payload(many_runs(tmp_path, 504, num_rows=20, num_tasks=1), [], "many"))
    assert len(text.encode()) < 20e6
    assert len(data_of(text)["runs"]) == 504


@needs_browser
def test_a_reader_opens_filters_brushes_and_sorts(rendered, tmp_path):
    with opened(rendered.as_uri(), tmp_path / "profile") as tab:
        names = "[...document.querySelectorAll('#runs tbody th button')].map(b => b.textContent)"
        tab.wait("document.querySelector('#runs').dataset.drawn")
        assert tab.js(names)[0] == "4_mamcl_0.8"  # the best score first
        assert len(tab.js(names)) == 7

        tab.click("#runs thead button[data-key='fact:name']")
        assert tab.js(names) == sorted(tab.js(names))
        tab.click("#runs thead button[data-key='fact:name']")
        assert tab.js(names)[0].startswith("6_hostile")

        tab.click("#filters details[data-facet=objective] summary")
        tab.click("#filters input[value=infonce]")
        assert tab.js(names) == ["5_infonce_0.8", "3_infonce_0.5", "1_infonce_0.2"]
        assert tab.js("document.getElementById('count').textContent") == "3 of 7 runs"
        tab.click("#clear")
        assert len(tab.js(names)) == 7

        # The brush: along the axis of t2i's share, over its upper half.
        left, top, *_ = tab.place("#parallel .chart")
        x, low, high = tab.js(AXIS)
        tab.drag([(left + x, top + low), (left + x, top + (low + high) / 2), (left + x, top + high)])
        tab.wait("document.getElementById('count').textContent === '2 of 7 runs'")
        assert sorted(tab.js(names)) == ["4_mamcl_0.8", "5_infonce_0.8"]
        tab.click("#clear")

        tab.js("document.getElementById('curves').scrollIntoView()")
        tab.wait("document.querySelector('#curves').dataset.drawn")
        drawn = "chartIn(document.getElementById('curves')).getOption()"
        assert tab.js(f"{drawn}.series.length") == 7
        tab.js(f"{OVER}.value = 'samples'; {OVER}.dispatchEvent(new Event('change'))")
        assert tab.js(f"{drawn}.series[0].data.map(p => p[0])") == [320 * at for at in range(1, 11)]

        tab.click("#runs thead button[data-key='score:emoji']")
        tab.click("#runs tbody th button")
        tab.wait("document.getElementById('run').open")
        text = tab.js("document.getElementById('run').innerText")
        assert "4_mamcl_0.8" in text
        assert "mixture.shares.t2i" in text
        tab.wait("document.querySelectorAll('#failed img').length > 3")
        tab.wait("[...document.querySelectorAll('#failed img')].every(image => image.naturalWidth)")
        assert "a <b>cat</b> & a hat" in text  # a text of the data is no markup
        assert tab.errors == []


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_dark_and_narrow(rendered, tmp_path, width, dark):
    with opened(rendered.as_uri(), tmp_path / "profile", width=width, dark=dark) as tab:
        tab.wait("document.querySelector('#parallel').dataset.drawn")
        wide, ground = tab.js("[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]")
        assert wide == width  # nothing to scroll to at the side
        assert (ground == "rgb(18, 22, 29)") == dark
        assert tab.js(PAINTED) > 1000  # lines are drawn
        assert tab.errors == []
