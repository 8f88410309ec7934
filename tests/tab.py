"""A page in a real browser that a test can use as a reader does: looked at, clicked, dragged, asked.

Chromium's own protocol over a pipe, so that no driver has to be installed beside it.
"""

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from contextlib import contextmanager

from tests.browser import BROWSER

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--remote-debugging-pipe",
]


@contextmanager
def opened(url, profile, *, width=1280, height=900, dark=False):
    """Opens an address in a browser of its own and gives its tab once it is loaded."""
    to_read, to_write = os.pipe(), os.pipe()

    def wire():  # the browser reads from 3 and writes to 4
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_read[0], to_write[1])]
        os.dup2(ends[0], 3)
        os.dup2(ends[1], 4)

    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", "about:blank"]
    log = profile.with_suffix(".log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=log, close_fds=False, preexec_fn=wire)
    try:
        tab = Tab(to_read[1], to_write[0])
        tab.open(url, width, height, dark)
        yield tab
    finally:
        process.kill()
        process.wait()
        log.close()
        for end in (*to_read, *to_write):
            os.close(end)


class Tab:
    """One tab; coordinates are those of the window."""

    def __init__(self, write, read):
        self._write, self._read, self._session, self._number, self._left = write, read, None, 0, b""
        self.errors = []

    def ask(self, method, **parameters):
        """Sends a command of Chromium's protocol and returns its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + 120
        while True:
            answer = self._next(end)
            if answer.get("method") == "Runtime.exceptionThrown":
                self.errors.append(answer["params"]["exceptionDetails"])
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _next(self, end):
        while b"\0" not in self._left:
            assert select.select([self._read], [], [], max(0, end - time.monotonic()))[0], "Chromium does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "Chromium ended"
            self._left += part
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)

    def open(self, url, width, height, dark):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Runtime.enable")
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=url)
        self.wait(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")

    def js(self, expression):
        """Returns the value of an expression, awaited."""
        answer = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression, seconds=30):
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while not self.js(expression):
            assert time.monotonic() < end, f"{expression} did not become true"
            time.sleep(0.05)

    def place(self, selector):
        """Scrolls an element into view and returns its left, top, width and height."""
        found = json.dumps(selector)
        box = "const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height];"
        return self.js(f"(() => {{ const e = document.querySelector({found}); e.scrollIntoView({{block: 'center'}}); {box} }})()")

    def click(self, selector):
        """Clicks in the middle of an element."""
        left, top, width, height = self.place(selector)
        self.drag([(left + width / 2, top + height / 2)])

    def drag(self, points):
        """Presses at the first point, moves over the others, lets go at the last."""
        for kind, (x, y) in [("mouseMoved", points[0]), ("mousePressed", points[0])]:
            self._mouse(kind, x, y)
        for x, y in points[1:]:
            self._mouse("mouseMoved", x, y)
        self._mouse("mouseReleased", *points[-1])

    def _mouse(self, kind, x, y):
        button = {} if kind == "mouseMoved" and not getattr(self, "_pressed", False) else {"button": "left", "clickCount": 1}
        self._pressed = kind == "mousePressed" or (kind == "mouseMoved" and getattr(self, "_pressed", False))
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def picture(self, path):
        """Writes a PNG of the window."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))
