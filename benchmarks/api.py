"""The API under load: requests that wait are embedded together, against each by itself.

    python -m benchmarks.api [--quick]

16 clients of a process of their own send 200 requests to `/v1/embeddings` as fast as they are answered, a text each; in `_pictures`
every fourth is a picture of 224 x 224 with a text. Two servers, which differ in nothing but whether requests are embedded together, share
one tiny encoder with random weights. Repeats alternate. Every request must be answered, with what `Embedder.encode` gives to 1e-5, or it
fails.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.embedding import made_of
from unite.config.schema import TinyCheckpointConfig, WorldConfig
from unite.embedding import Embedder
from unite.encoder.tiny import build_tiny_checkpoint
from unite.search.hits import Hit, Search
from unite.search.server import hosts_of, make_app
from unite.search.server.limits import Limits
from unite.search.server.serving import make_server, open_socket
from unite.worlds.emoji import EmojiWorld

_CLIENTS = 16
_TOGETHER, _ONE_BY_ONE = Limits(), Limits(batch_tokens=1, batch_seconds=1e-9)


class _Encoder:
    """A corpus without rows: of the server's work it leaves embedding."""

    name, num_rows, modalities, columns = "tiny", 0, (), dict[str, str]()

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def embed(self, items: Sequence[Any]) -> Any:
        return self.embedder.encode(items, show_progress_bar=False)

    def search(self, search: Search) -> list[Hit]:
        return []

    def row(self, id: str) -> Hit:
        raise NotImplementedError

    def media(self, id: str) -> tuple[bytes, str] | None:
        return None


@contextmanager
def _serving(embedder: Embedder, limits: Limits) -> Iterator[int]:
    """Serves on a free port, which it yields."""
    listening = open_socket("127.0.0.1", 0, None)
    server = make_server(make_app({"tiny": _Encoder(embedder)}, token=None, hosts=hosts_of("127.0.0.1"), limits=limits))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def _load(port: int, bodies: Sequence[str]) -> tuple[float, list[float], list[str]]:
    """Asks as 16 clients; returns the seconds of all, those of each, and what was answered. In a process of its own."""
    answers = [""] * len(bodies)
    seconds = [0.0] * len(bodies)

    def ask(client: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=120)
        for place in range(client, len(bodies), _CLIENTS):
            start = time.perf_counter()
            connection.request("POST", "/v1/embeddings", bodies[place], {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answers[place] = answer.read().decode()
            if answer.status != 200:
                raise RuntimeError(answers[place])
            seconds[place] = time.perf_counter() - start
        connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        list(clients.map(ask, range(_CLIENTS)))
    return time.perf_counter() - start, seconds, answers


def _requests(captions: Sequence[str], count: int, every: int, chance: random.Random) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Returns bodies of requests, and the items that they are; every so-manieth is a picture with a text, of 0 none."""
    bodies: list[str] = []
    items: list[Mapping[str, Any]] = []
    for place, text in enumerate(made_of(captions, count, 3, chance)):
        parts: list[dict[str, Any]] = []
        item: dict[str, Any] = {"text": text}
        if every and place % every == 0:
            file = io.BytesIO()
            pixels = np.random.default_rng(chance.randrange(2**32)).integers(0, 255, (7, 7, 3), np.uint8)
            Image.fromarray(pixels).resize((224, 224)).save(file, "PNG")
            item["image"] = file.getvalue()
            parts.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"}})
        parts.append({"type": "text", "text": text})
        bodies.append(json.dumps({"messages": [{"role": "user", "content": parts}]}))
        items.append(item)
    return bodies, items


def run(quick: bool) -> dict[str, float]:
    """Returns `api_vs_one_by_one` and `..._pictures`, medians of paired runs, with p95 in milliseconds and requests a second.

    With `quick` fewer requests and repeats.
    """
    count, repeats = (48, 1) if quick else (200, 3)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as clients:
        world = EmojiWorld(WorldConfig(root=folder, num_train=500, num_queries=16, num_candidates=32))
        world.prepare()
        captions = sorted(set(world.texts()))
        embedder = Embedder(build_tiny_checkpoint(TinyCheckpointConfig(), folder, captions), device="cpu", dtype="float32")
        with _serving(embedder, _TOGETHER) as together, _serving(embedder, _ONE_BY_ONE) as one_by_one:
            for key, every in (("", 0), ("_pictures", 4)):
                ports = {"api": together, "api_one_by_one": one_by_one}
                times: dict[str, list[float]] = {name: [] for name in ports}
                waits: dict[str, list[float]] = {name: [] for name in ports}
                for repeat in range(repeats):
                    bodies, items = _requests(captions, count, every, random.Random(repeat))
                    expected = embedder.encode(items, show_progress_bar=False)
                    for name, port in ports.items():
                        seconds, each, answers = clients.apply(_load, (port, bodies))
                        embeddings = [json.loads(answer)["data"][0]["embedding"] for answer in answers]
                        np.testing.assert_allclose(embeddings, expected, atol=1e-5, rtol=0)
                        times[name].append(seconds)
                        waits[name] += each
                pairs = zip(times["api"], times["api_one_by_one"], strict=True)
                figures[f"api_vs_one_by_one{key}"] = statistics.median(alone / ours for ours, alone in pairs)
                for name in ports:
                    figures[f"{name}_p95_ms{key}"] = 1000 * float(np.quantile(waits[name], 0.95))
                    figures[f"{name}_requests_per_second{key}"] = count / statistics.median(times[name])
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer requests, for a smoke test")
    print(json.dumps(run(parser.parse_args().quick), indent=2))
