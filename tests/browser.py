"""A page in a real browser: its picture and its measures."""

import html
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed (Debian: apt-get install chromium)")


def browse(path, width, out, *options, height=1400):
    """Opens the page in a frame of a width (a window cannot be that narrow) and returns the picture of it and its measures."""
    measure = (
        "<script>frame.onload=()=>{const d=frame.contentDocument.documentElement;"
        "document.title=JSON.stringify([d.scrollWidth,d.clientWidth,d.scrollHeight,"
        "[...frame.contentDocument.images].filter(i=>!i.naturalWidth).length,"
        "frame.contentDocument.querySelectorAll('.dot').length])}</script>"
    )
    frame = f"<!doctype html><title></title><body style='margin:0'><iframe id=frame src='{path.name}' "
    frame += f"style='border:0;width:{width}px;height:{height}px'></iframe>{measure}"
    holder = path.with_name(f"frame{width}.html")
    holder.write_text(frame)
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--allow-file-access-from-files",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-extensions",
        "--virtual-time-budget=3000",
    ]
    # One start for both, in a profile of its own: a browser that finds another's still locked hands it the page and ends without a picture.
    flags += [f"--user-data-dir={out.with_suffix('.profile')}", f"--window-size={width},{height}", "--dump-dom", f"--screenshot={out}"]
    done = subprocess.run([BROWSER, *flags, *options, holder.as_uri()], capture_output=True, text=True, timeout=200)
    found = re.search(r"<title>(\[.*?\])</title>", done.stdout)
    assert found and out.is_file(), f"Chromium ended with {done.returncode}: {done.stderr[-500:]}"
    return np.asarray(Image.open(out).convert("RGB")), [int(value) for value in html.unescape(found[1]).strip("[]").split(",")]
