"""The page in a real browser: typed, dropped, filtered, paged, judged, looked at."""

import base64
import json
import threading

import numpy as np
import pytest
import uvicorn
from PIL import Image

from tests.browser import needs_browser
from tests.search.media_files import clip, picture
from tests.search.page.material import WordSearching, rows
from tests.tab import opened
from unite.data.labels import read_labels
from unite.search.hits import Hit
from unite.search.page.routes import page_routes
from unite.search.server.app import make_app
from unite.search.server.serving import open_socket

pytestmark = needs_browser


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return tmp_path_factory.mktemp("labels") / "labels.jsonl"


def serving(searchers, labels=None):
    listening = open_socket("127.0.0.1", 0, None)
    app = make_app({one.name: one for one in searchers}, token=None, hosts=["127.0.0.1"], routes=page_routes(labels))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}", server, thread


@pytest.fixture(scope="module")
def address(labels):
    moving = Hit("clip", 0.0, "clip.mp4", "video", "", {"title": "moving colours", "price": 99}, picture("red", (256, 64), "JPEG"))
    lost = [Hit(id, 0.0, id, kind, "", {"title": "lost"}) for id, kind in (("lost.png", "image"), ("lost.mp4", "video"))]
    more = [(moving, (clip("png", "mp4", rate=2), "video/mp4")), *((hit, None) for hit in lost)]
    address, server, thread = serving([WordSearching([*rows(), *more])], labels)
    yield address
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def tab(address, tmp_path_factory):
    with opened(f"{address}/", tmp_path_factory.mktemp("browser") / "profile", width=1280, height=900) as tab:
        yield tab
        assert tab.errors == []


def go(tab, address):
    """Opens an address and waits for its page."""
    tab.ask("Page.navigate", url=address)
    wait(tab, f"location.href === {json.dumps(address)}")


def wait(tab, expression):
    """Waits until an expression is true of a page that is whole: while it comes, what is to be clicked moves."""
    tab.wait(f"document.readyState === 'complete' && ({expression})")


def press(tab, *keys):
    for key in keys:
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        code = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}.get(key, 0)
        for kind in ("keyDown", "keyUp"):
            typed = text if kind == "keyDown" else {}
            tab.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **typed)


IDS = "[...document.querySelectorAll('.hit')].map(one => one.dataset.id)"


def test_typing_pages_and_keys(tab, address):
    go(tab, f"{address}/")
    assert tab.js("document.activeElement.name") == "text"
    tab.ask("Input.insertText", text="even colour")
    press(tab, "Enter")
    wait(tab, f"{IDS}.length === 24")
    assert tab.js("location.search") == "?text=even+colour"
    first = tab.js(IDS)
    assert first[:2] == ["id 0&<x>", "id 2&<x>"]
    tab.click("[rel=next]")
    wait(tab, "!!document.querySelector('[rel=prev]')")
    assert not set(tab.js(IDS)) & set(first)
    press(tab, "/")
    assert tab.js("document.activeElement.name") == "text"
    press(tab, "Escape", "ArrowDown", "ArrowRight")
    assert tab.js("document.activeElement.closest('.hit').dataset.id") == tab.js(IDS)[1]
    press(tab, "m")
    wait(tab, "location.search.startsWith('?like=')")
    assert tab.js("document.querySelectorAll('.likes .dropped img').length") == 1


def test_a_picture_is_looked_at_large_and_the_focus_comes_back(tab, address):
    go(tab, f"{address}/?text=even")
    press(tab, "ArrowDown", "Enter")
    wait(tab, "document.querySelector('dialog[open] .stage img')?.naturalWidth === 48")
    assert "shard-000000.tar#0" in tab.js("document.querySelector('dialog .about').textContent")
    press(tab, "ArrowRight")
    assert "shard-000000.tar#2" in tab.js("document.querySelector('dialog .about').textContent")
    press(tab, "Escape")
    # Chromium closes it, puts the focus back where it was, and then tells the page, which moves it on.
    wait(tab, "!document.querySelector('dialog[open]') && document.activeElement.closest('.hit')?.dataset.id === 'id 2&<x>'")


def test_a_clip_that_browsers_cannot_play_plays(tab, address):
    go(tab, f"{address}/?text=moving")
    tab.click(".open.clip")
    wait(tab, "document.querySelector('dialog[open] video')?.currentTime > 0.2")
    assert tab.js("[document.querySelector('dialog video').error, document.querySelector('dialog video').duration > 1.9]") == [None, True]
    tab.js("void (document.querySelector('dialog video').currentTime = 1.2)")  # asks for a part
    wait(tab, "!document.querySelector('dialog video').seeking")
    press(tab, "Escape")


@pytest.mark.parametrize("id", ["lost.png", "lost.mp4"])
def test_what_is_gone_is_told_where_it_would_be_shown(tab, address, id):
    go(tab, f"{address}/?text=lost")
    tab.click(f"[data-id='{id}'] .open")
    wait(tab, "document.querySelector('dialog[open] .stage').textContent === 'It cannot be shown: its file is gone, or cannot be read.'")
    press(tab, "Escape")


@pytest.mark.parametrize("kind", ["drop", "paste", "choose"])
def test_a_picture_that_is_dropped_finds_itself(tab, address, kind, tmp_path):
    go(tab, f"{address}/")
    data = picture("hsl(84, 80%, 50%)")  # the seventh of thirty
    if kind == "choose":
        (tmp_path / "seven.png").write_bytes(data)
        node = tab.ask("Runtime.evaluate", expression="document.querySelector('[type=file]')")["result"]["objectId"]
        tab.ask("DOM.setFileInputFiles", files=[str(tmp_path / "seven.png")], objectId=node)
    else:
        event = {"drop": "DragEvent('drop', {dataTransfer", "paste": "ClipboardEvent('paste', {clipboardData"}[kind]
        tab.js(
            f"""(() => {{ const data = Uint8Array.from(atob('{base64.b64encode(data).decode()}'), (one) => one.charCodeAt(0));
            const held = new DataTransfer(); held.items.add(new File([data], 'x.png', {{type: 'image/png'}}));
            document.body.dispatchEvent(new {event}: held, bubbles: true}})); }})()"""
        )
    wait(tab, "document.querySelector('.part .dropped img')?.naturalWidth > 0")
    assert tab.js(IDS)[0] == "id 7&<x>"
    tab.click(".part .dropped a")
    wait(tab, "!document.querySelector('.part .dropped')")


def test_filters_chips_and_parts(tab, address):
    go(tab, f"{address}/?text=colour")
    tab.click(".filters summary")
    tab.js("document.querySelector('[name=column]').value = 'price'; document.querySelector('[name=operator]').value = '<'; 0")
    tab.click("[name=value]")
    tab.ask("Input.insertText", text="cheap")
    press(tab, "Enter")
    wait(tab, "!!document.querySelector('[role=alert]')")
    assert "must be a whole number" in tab.js("document.querySelector('[role=alert]').textContent")
    go(tab, f"{address}/?text=script")
    tab.click(".chip:has([value=text])")
    wait(tab, "location.search.includes('modality=text')")
    assert tab.js(IDS) == ["script"]
    tab.click("[name=do][value=part]")
    wait(tab, "document.querySelectorAll('.part').length === 2")
    assert tab.js("document.activeElement === document.querySelectorAll('[name=text]')[1]")
    assert tab.js("document.title") == "script · unite search"  # the caption's script did not run


def test_right_and_wrong_are_kept(tab, address, labels):
    go(tab, f"{address}/?text=odd")
    tab.click(".hit [data-verdict=right]")
    wait(tab, "!!document.querySelector('.hit.right')")
    press(tab, "ArrowRight")
    tab.js("void document.querySelectorAll('.open')[1].focus()")
    press(tab, "w")
    wait(tab, "!!document.querySelector('.hit.wrong')")
    press(tab, "w")
    wait(tab, "!document.querySelector('.hit.wrong')")
    press(tab, "w")
    wait(tab, "!!document.querySelector('.hit.wrong')")
    ids = tab.js(IDS)
    query = next(query for query in read_labels(labels) if query.content.text == "odd")
    assert (list(query.right), list(query.wrong)) == (ids[:1], ids[1:2])
    go(tab, f"{address}/?text=odd&modality=image")
    assert tab.js("document.querySelectorAll('[aria-pressed=true]').length") == 2


def test_everything_has_a_name_for_those_who_do_not_see_it(tab, address):
    go(tab, f"{address}/?text=even&text=odd&column=price&operator=%3C&value=50")
    nodes = tab.ask("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "link", "searchbox", "textbox", "combobox", "checkbox", "spinbutton", "image", "navigation", "search", "main"}
    met = {}
    for node in nodes:
        role = node.get("role", {}).get("value")
        if role in roles and not node["ignored"]:
            met.setdefault(role, []).append(node.get("name", {}).get("value", ""))
    nameless = {role: names for role, names in met.items() if role not in ("main", "search") and not all(names)}
    assert nameless == {}
    assert {"main", "search", "searchbox", "combobox", "checkbox", "spinbutton", "image", "link", "button", "navigation"} <= set(met)


@pytest.fixture
def as_it_was(tab):
    """The tab has its width, its light and its script again."""
    yield
    seen_as(tab, 1280, dark=False)
    tab.ask("Emulation.setScriptExecutionDisabled", value=False)


def seen_as(tab, width, *, dark):
    tab.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_it_fits_by_day_and_night(tab, address, as_it_was, tmp_path, width, dark):
    seen_as(tab, width, dark=dark)
    go(tab, f"{address}/?text=even+colour&text=odd&sign=plus&sign=not")
    assert tab.js("document.documentElement.scrollWidth") <= width
    assert tab.js("[...document.images].filter((one) => one.complete && !one.naturalWidth).length") == 0
    touched = "[...document.querySelectorAll('.go, .attach, .label button')]"
    assert tab.js(f"{touched}.filter((one) => one.getBoundingClientRect().width < 26).length") == 0
    tab.picture(tmp_path / "page.png")
    pixels = np.asarray(Image.open(tmp_path / "page.png").convert("L"))
    assert (np.median(pixels) < 90) == dark


def test_two_encoders_stand_side_by_side_on_a_phone_too(tab, as_it_was):
    address, server, thread = serving([WordSearching(rows(), "one"), WordSearching(rows()[::-1], "other")])
    seen_as(tab, 390, dark=False)
    go(tab, f"{address}/?text=even")
    assert tab.js("document.documentElement.scrollWidth") <= 390
    boxes = "[...document.querySelectorAll('.side')].map((one) => one.getBoundingClientRect())"
    left, right = tab.js(f"{boxes}.map((box) => [box.left, box.right, box.top])")
    assert left[1] <= right[0] and left[2] == right[2]
    server.should_exit = True
    thread.join(20)


def test_it_works_without_script(tab, address, as_it_was):
    tab.ask("Emulation.setScriptExecutionDisabled", value=True)
    go(tab, f"{address}/")
    tab.click("[name=text]")
    tab.ask("Input.insertText", text="even colour")
    press(tab, "Enter")
    wait(tab, f"{IDS}.length === 24")
    tab.click("[rel=next]")
    wait(tab, "!!document.querySelector('[rel=prev]')")
    tab.click(".hit [data-verdict=right]")
    wait(tab, "!!document.querySelector('.hit.right')")
