"""How media are read (`Decoding`) and what they become when they are curated (`MediaPolicy`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from unite.errors import ConfigError, must_be, must_be_one_of


class FrameRule(StrEnum):
    """Which frames stand for a video: `even`, from its first to its last, or `middle`, of as many equal parts (docs/video.md)."""

    even = "even"
    middle = "middle"


@dataclass(unsafe_hash=True)
class Frames:
    """Which frames are taken of a video (docs/video.md). By default as UNITE trains.

    Attributes:
        fps: frames a second of video.
        min_frames, max_frames: bounds on their number; a shorter video gives all it has.
        rule: even (from the first to the last in time: UNITE, Qwen-VL) or middle (the middle one of as many equal parts: CaReBench).
    """

    fps: float = 1.0
    min_frames: int = 4
    max_frames: int = 12
    rule: FrameRule = FrameRule.even

    def check(self, name: str) -> None:
        """Raises ConfigError, with the name of the group, if a value is out of range. A name may stand for the rule."""
        if self.rule not in list(FrameRule):
            raise ConfigError(must_be_one_of(f"{name}.rule", FrameRule, self.rule))
        self.rule = FrameRule(self.rule)
        if not 0 < self.fps < math.inf:  # nor NaN
            hint = "For as many frames as there may be, raise min_frames." if self.fps == math.inf else ""
            raise ConfigError(must_be(f"{name}.fps", "above 0, and finite" if hint else "above 0", self.fps, hint))
        if not 1 <= self.min_frames <= self.max_frames:
            raise ConfigError(must_be(f"{name}.min_frames", f"from 1 to max_frames ({self.max_frames})", self.min_frames))


@dataclass(unsafe_hash=True)
class Decoding(Frames):
    """How media are decoded, and how large they may be.

    Attributes:
        max_pixels: an image or frame with more pixels is refused before it is decoded (decompression bombs).
        max_video_frames: a video is refused when it goes on past this many frames (endless streams).
        deadline_seconds: a video that takes longer to decode is refused, for a server that strangers send videos to; null is no deadline.
        start_seconds, end_seconds: of each video, what is looked at; null is its beginning, and its end. A shorter video ends as it does.
    """

    max_pixels: int = 64_000_000
    max_video_frames: int = 100_000
    deadline_seconds: float | None = None
    start_seconds: float | None = None
    end_seconds: float | None = None

    def __post_init__(self) -> None:
        self.check("decoding")
        _check_least("decoding", self, max_pixels=1, max_video_frames=1)
        if self.deadline_seconds is not None and not self.deadline_seconds > 0:
            raise ConfigError(must_be("decoding.deadline_seconds", "above 0, or null for none", self.deadline_seconds))
        check_span("decoding.{}", self.start_seconds, self.end_seconds)

    @property
    def span(self) -> str:
        """Which seconds of a video are looked at, `0.0 to 30.0 s`; empty where it is all of it."""
        start, end = float(self.start_seconds or 0), math.inf if self.end_seconds is None else float(self.end_seconds)
        return "" if (start, end) == (0, math.inf) else f"{start} to {end} s"


def _check_least(group: str, options: Frames, **least: float) -> None:
    """Raises ConfigError if an option is below its least value, or NaN: as a limit it would refuse everything, or nothing."""
    for name, value in least.items():
        if not getattr(options, name) >= value:
            raise ConfigError(must_be(f"{group}.{name}", f"at least {value}", getattr(options, name)))


def check_span(name: str, start: float | None, end: float | None) -> None:
    """Raises ConfigError if two options are no span of a video; `name` is how they are called, {} for start_seconds or end_seconds."""
    if start is not None and not 0 <= start < math.inf:
        raise ConfigError(must_be(name.format("start_seconds"), "at least 0, or null for the beginning", start))
    if end is not None and not (start or 0.0) < end:
        expected = f"above start_seconds ({start})" if start else "above 0"
        raise ConfigError(must_be(name.format("end_seconds"), f"{expected}, or null for the end", end))


@dataclass(unsafe_hash=True)
class MediaPolicy(Frames):
    """What media become when they are curated, and how large they may be.

    The defaults are the paper's: images of at most 1280 tokens of 28x28 pixels, frames of at most 240x320.

    Attributes:
        max_pixels: an image above it is resized to it.
        frame_pixels: the frames of a video are resized to the encoder's size of at most as many, smaller ones too: they are stored anew
            anyway.
        multiple: sides of what is resized are multiples of it: the encoder's patch (14) times its merge (2).
        jpeg_quality: of what is stored anew, 1 to 95.
        max_source_pixels: an image or frame with more is refused before it is decoded (decompression bombs).
        max_source_bytes: a larger file is refused.
        max_seconds: a longer video or clip is refused.
        max_source_frames: a video is refused when it goes on past this many frames (endless streams).
        deadline_seconds: a video that takes longer to decode is refused.
    """

    max_pixels: int = 1280 * 28 * 28
    frame_pixels: int = 240 * 320
    multiple: int = 28
    jpeg_quality: int = 90
    max_source_pixels: int = 128_000_000
    max_source_bytes: int = 1 << 31
    max_seconds: float = 3600.0
    max_source_frames: int = 250_000
    deadline_seconds: float = 120.0

    def __post_init__(self) -> None:
        if not 1 <= self.multiple <= 1024:
            raise ConfigError(must_be("media.multiple", "from 1 to 1024", self.multiple))
        _check_least("media", self, max_pixels=self.multiple**2, frame_pixels=self.multiple**2, deadline_seconds=1e-6)
        _check_least("media", self, max_source_pixels=1, max_source_bytes=1, max_source_frames=1, max_seconds=1e-6)
        if not 1 <= self.jpeg_quality <= 95:
            raise ConfigError(must_be("media.jpeg_quality", "from 1 to 95", self.jpeg_quality))
        self.check("media")
