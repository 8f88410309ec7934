"""Videos: the frames that are looked at, decoded by PyAV.

container    a file opened within limits, and the rule by which frames are picked
decode       the picked frames of a file: training, evaluation, search
clip         the same of a raw collection's video or clip, stored as JPEGs in an MP4: curation
"""

from __future__ import annotations

from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from unite.config.schema.media import Decoding, MediaPolicy
from unite.media import picture
from unite.media.kind import Kind, Measure
from unite.media.ready import LoadedMedium, RawMedium, ReadyMedium
from unite.media.video.clip import VideoReader, store_frames
from unite.media.video.decode import decode_frames
from unite.types import Content, Medium, Modality, fingerprint

#: Frames in a preview.
_NUM_SHOWN = 4


class VideoKind(Kind):
    """Videos. What is decoded follows from the bytes and from which frames are picked."""

    modality = Modality.VIDEO
    suffixes = ("mp4", "webm", "mkv", "avi", "mov")
    measures = (
        Measure("megapixels", "Video frame size, as it came", "megapixels", picture.megapixels),
        Measure("aspect", "Video width over height", "ratio", picture.aspect),
        Measure("seconds", "Video length", "seconds", itemgetter("seconds")),
        Measure("frames", "Frames kept of a video", "frames", itemgetter("stored_frames")),
    )
    preview_is_wide = True

    def decode(self, data: bytes, decoding: Decoding) -> Medium:
        """As of `Kind`."""
        frames, seconds, duration = decode_frames(data, decoding)
        return Medium(Modality.VIDEO, frames, fingerprint(data, self.decoding_key(decoding)), seconds, duration)

    def decoding_key(self, decoding: Decoding) -> str:
        """Which frames are picked."""
        return f"{decoding.fps}/{decoding.min_frames}/{decoding.max_frames}"

    def load(self, raw: RawMedium, policy: MediaPolicy) -> LoadedMedium:
        """As of `Kind`."""
        return LoadedVideo(raw, policy)

    def blank(self, medium: Medium) -> Medium:
        """All grey."""
        return picture.blank(medium)

    def preview(self, medium: Medium) -> bytes:
        """Up to 4 frames side by side."""
        shown = np.unique(np.linspace(0, len(medium.frames) - 1, _NUM_SHOWN).round().astype(np.int64))
        return picture.strip(medium.frames[shown])

    def probes(self) -> tuple[Content, ...]:
        """Four frames before a text."""
        frames = np.concatenate([picture.ramp(every=3)] * 4)
        return (Content(f"{Modality.VIDEO.place} and text", (Medium(Modality.VIDEO, frames, 3, (0.0, 1.0, 2.0, 3.0)),)),)


class LoadedVideo(LoadedMedium):
    """A video of a raw row, or a clip of it."""

    @property
    def size(self) -> tuple[int, int]:
        """As of `LoadedMedium`."""
        return self._reader.facts.width, self._reader.facts.height

    @property
    def seconds(self) -> float:
        """As of `LoadedMedium`."""
        return self._reader.facts.seconds

    @cached_property
    def ready(self) -> ReadyMedium:
        """As of `LoadedMedium`."""
        frames = self._reader.frames()
        data = store_frames(frames, self.seconds, self.policy.jpeg_quality)
        return ReadyMedium(data, "mp4", frames[0][1].size, tuple(picture.grey(image) for _, image in frames))

    def facts(self) -> dict[str, Any]:
        """As of `LoadedMedium`, with the length, the clip and the number of frames kept."""
        clip = [self.raw.start, self.raw.end]
        return {**super().facts(), "seconds": round(self.seconds, 3), "clip": clip, "stored_frames": len(self.ready.greys)}

    @cached_property
    def _reader(self) -> VideoReader:
        _ = self.num_bytes  # checked before it is opened
        source = self.raw.path if self.raw.data is None else self.raw.data
        return VideoReader(source, self.where, self.policy, self.raw.start, self.raw.end)
