"""48 frames of a long video: sought, against decoding it all, and beside decord where that is installed.

    python -m benchmarks.long_video [--quick] [--video FILE]

    ours     `unite.media`'s decoding of the file's bytes, as evaluation calls it
    through  PyAV decodes every frame on one thread, and makes RGB of those picked
    decord   its `get_batch` of the same numbers, one thread; decord 0.6.0 (pip install decord==0.6.0, in an environment without eva-decord)

Ours must equal what decoding through gives, to the bit, or it fails. Each is timed in CPU seconds, in turns; the median of the rounds'
ratios counts.

The video is 10 minutes of 1280 x 720 at 25 frames a second, H.264: 20 s of a camera that moves over the portrait that matplotlib carries
(Grace Hopper, public domain), again and again. How fast seeking is hangs on how far keyframes are apart: `long_video_speedup` has one every
2 s, as cameras and video sites write them, `long_video_speedup_10_s` one every 10 s, which is x264's own choice without cuts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import film
from unite.config.schema.media import Decoding
from unite.media import kind_of
from unite.media.video.container import open_video
from unite.types import Modality

_NUM_FRAMES, _RATE, _SECONDS = 48, 25, 20
Pixels = NDArray[np.uint8]


def run(quick: bool, video: Path | None = None) -> dict[str, float]:
    """Returns the figures; `quick` takes a minute of video and one round."""
    repeats, rounds = (3, 1) if quick else (30, 3)
    with tempfile.TemporaryDirectory() as folder:
        files = {"": video} if video else {"": Path(folder, "2.mp4"), "_10_s": Path(folder, "10.mp4")}
        if video is None:
            for path, distance in zip(files.values(), (2, 10), strict=True):
                if path:
                    write_long_video(path, distance * _RATE, repeats)
        figures: dict[str, float] = {}
        for name, path in files.items():
            if path:
                figures |= {f"{key}{name}": value for key, value in measure(path, rounds).items()}
        return figures


def measure(path: Path, rounds: int) -> dict[str, float]:
    """Times the ways of one file."""
    decoding = Decoding(min_frames=_NUM_FRAMES, max_frames=_NUM_FRAMES)
    with open_video(str(path)) as (_, stream):
        numbers = np.linspace(0, stream.frames - 1, _NUM_FRAMES).round().astype(int)

    def ours() -> Pixels:
        return kind_of(Modality.VIDEO).decode(path.read_bytes(), decoding).frames

    def through() -> Pixels:
        wanted = set(numbers.tolist())
        with open_video(str(path)) as (container, stream):
            frames = [frame.to_ndarray(format="rgb24") for at, frame in enumerate(container.decode(stream)) if at in wanted]
        return np.stack(frames)

    ways = {"ours": ours, "through": through, **_decord(path, numbers)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        found = {name: _timed(way, seconds[name]) for name, way in ways.items()}
        np.testing.assert_array_equal(found["ours"], found["through"])
    figures = {
        "long_video_speedup": _ratio(seconds["through"], seconds["ours"]),
        "long_video_seconds": statistics.median(seconds["ours"]),
        "long_video_through_seconds": statistics.median(seconds["through"]),
    }
    if "decord" in found:
        apart = np.abs(found["decord"].astype(np.int16) - found["ours"]).mean()
        assert apart < 2, f"decord's frames are others: {apart:.1f} levels apart"
        figures["long_video_speedup_vs_decord"] = _ratio(seconds["decord"], seconds["ours"])
        figures["long_video_decord_seconds"] = statistics.median(seconds["decord"])
    return figures


def write_long_video(path: Path, distance: int, repeats: int) -> None:
    """Writes an MP4 with a keyframe every so many frames: one piece, encoded once, as often as asked for."""
    piece = _encoded(distance)
    with av.open(str(path), "w", format="mp4") as out:
        stream = None
        for turn in range(repeats):
            with open_video(piece) as (container, original):
                stream = stream or out.add_stream_from_template(original)
                assert original.time_base
                shift = int(turn * _SECONDS / original.time_base)
                for packet in container.demux(original):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        out.mux(packet)


def _encoded(distance: int) -> bytes:
    options = {"preset": "veryfast", "g": str(distance)}
    return film(4, (1280, 720), _SECONDS * _RATE, _RATE, options, half=(560, 200), reach=(250, 400))


def _decord(path: Path, numbers: NDArray[np.int64]) -> dict[str, Callable[[], Pixels]]:
    """Returns decord's way by its name; nothing where it is not installed, which is told."""
    try:
        from decord import VideoReader
    except ImportError:
        print("decord is not installed: the long video is not measured beside it.")
        return {}
    return {"decord": lambda: VideoReader(str(path), num_threads=1).get_batch(numbers.tolist()).asnumpy()}


def _timed(way: Callable[[], Pixels], seconds: list[float]) -> Pixels:
    start = time.process_time()
    found = way()
    seconds.append(time.process_time() - start)
    return found


def _ratio(slow: list[float], fast: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(slow, fast, strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a minute of video and one round, for a smoke test")
    parser.add_argument("--video", type=Path, help="a video of a constant rate that announces its frames, instead of those made here")
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.quick, arguments.video), indent=2))
