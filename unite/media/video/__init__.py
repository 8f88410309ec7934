"""Videos: the frames that are looked at, decoded by PyAV.

frames       when frames are shown, and the rule by which they are taken
container    a file opened within limits
packets      what a stream tells of its frames without decoding
film         the frames asked for, decoded; `display` shows them as a player does
animation    the same of animated pictures (GIF, WebP, PNG, AVIF), by Pillow
frame_folder a folder of frames, where a video on disk is one
reader       the one way from a file to the frames taken of it, or of a clip of it
decode       the frames taken of a file: training, evaluation, search
clip         the same of a raw collection's video or clip, stored as JPEGs in an MP4: curation
"""

from __future__ import annotations

from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unite.config.schema.media import Decoding, FrameRule, MediaPolicy
from unite.media import picture
from unite.media.kind import Kind, Measure
from unite.media.ready import LoadedMedium, RawMedium, ReadyMedium
from unite.media.video import animation, frame_folder
from unite.media.video.clip import VideoReader, store_frames
from unite.media.video.container import ERRORS, UnusableVideoError, open_video
from unite.media.video.decode import decode_frames
from unite.media.video.frames import Timeline
from unite.media.video.reader import Taken
from unite.types import Content, Medium, Modality, fingerprint

#: Frames in a preview.
_NUM_SHOWN = 4


class VideoKind(Kind):
    """Videos. What is decoded follows from the bytes and from which frames are taken."""

    modality = Modality.VIDEO
    suffixes = ("mp4", "webm", "mkv", "avi", "mov", "m4v", "3gp", "3g2", "ts", "m2ts", "mts", "mpg", "mpeg", "flv", "wmv", "asf", "ogv")
    also = animation.SUFFIXES
    measures = (
        Measure("megapixels", "Video frame size, as it came", "megapixels", picture.megapixels),
        Measure("aspect", "Video width over height", "ratio", picture.aspect),
        Measure("seconds", "Video length", "seconds", itemgetter("seconds")),
        Measure("frames", "Frames kept of a video", "frames", itemgetter("stored_frames")),
    )
    preview_is_wide = True

    def recognises(self, data: bytes) -> bool:
        """As of `Kind`; of sound alone too, which is named when it is decoded."""
        try:
            with open_video(data):
                return True
        except UnusableVideoError:
            return True
        except ERRORS:
            return False

    def decode(self, data: bytes, decoding: Decoding) -> Medium:
        """As of `Kind`."""
        of_bytes = frame_folder.decode_packed if frame_folder.is_packed(data) else decode_frames
        frames, taken = of_bytes(data, decoding)
        name = fingerprint(data, _rule(decoding))
        return Medium(Modality.VIDEO, frames, name, taken.times, taken.seconds, taken.remark)

    def decoding_key(self, decoding: Decoding) -> str:
        """Which frames are taken, and by which rule they are shown: embeddings cached under an earlier one are made again."""
        return f"{_rule(decoding)} as played"

    def fault(self, path: Path) -> str:
        """As of `Kind`; a folder of frames is there if it has some, and no number between two others is missing."""
        return frame_folder.fault(path) if path.is_dir() else super().fault(path)

    def state(self, path: Path, decoding: Decoding) -> tuple[object, ...]:
        """As of `Kind`; of a folder of frames those that are taken count, and how many there are."""
        return frame_folder.state(path, decoding) if path.is_dir() else super().state(path, decoding)

    def size(self, path: Path) -> int:
        """As of `Kind`; of a folder of frames how many there are."""
        return len(frame_folder.frames_of(path)) if path.is_dir() else super().size(path)

    def read(self, path: Path, decoding: Decoding) -> tuple[bytes, str]:
        """As of `Kind`; of a folder of frames those that are taken, packed."""
        return (frame_folder.pack(path, decoding), "tar") if path.is_dir() else super().read(path, decoding)

    def encode(self, value: object, decoding: Decoding, where: str) -> tuple[bytes, str] | None:
        """As of `Kind`: the frames of a video as a list of Pillow images, as if they lay in a folder."""
        if not isinstance(value, list) or not value or not all(isinstance(frame, Image.Image) for frame in value):
            return None
        return frame_folder.pack_pictures(value, decoding, where), "tar"

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


def _rule(decoding: Decoding) -> str:
    rule = "" if decoding.rule == FrameRule.even else f" {decoding.rule}"  # what was cached before there were others keeps its name
    span = f" {decoding.span}" if decoding.span else ""
    return f"{decoding.fps}/{decoding.min_frames}/{decoding.max_frames}{rule}{span}"


class LoadedVideo(LoadedMedium):
    """A video of a raw row, or a clip of it."""

    @property
    def size(self) -> tuple[int, int]:
        """As of `LoadedMedium`: as shown, so a clip that a phone held upright is high."""
        return self._look[1]

    @property
    def seconds(self) -> float:
        """As of `LoadedMedium`."""
        return self._look[0].seconds

    @cached_property
    def ready(self) -> ReadyMedium:
        """As of `LoadedMedium`."""
        frames = self._taken.frames
        data = store_frames(self._taken, self.policy.jpeg_quality)
        sharp = picture.sharpness(frames[len(frames) // 2])
        return ReadyMedium(data, "mp4", frames[0].size, tuple(map(picture.thumbnail, frames)), sharpness=sharp)

    def facts(self) -> dict[str, Any]:
        """As of `LoadedMedium`, with the length, the clip, the number of frames kept and what else is to be known of it."""
        known = {
            "seconds": round(self._taken.seconds, 3),
            "clip": [self.raw.start, self.raw.end],
            "stored_frames": len(self.ready.thumbnails),
        }
        remark = {"remark": self._taken.remark} if self._taken.remark else {}
        return {**super().facts(), **known, **remark}

    @cached_property
    def _taken(self) -> Taken[Image.Image]:
        return self._reader.frames()

    @cached_property
    def _look(self) -> tuple[Timeline, tuple[int, int]]:
        return self._reader.look()

    @cached_property
    def _reader(self) -> VideoReader:
        _ = self.num_bytes  # checked before it is opened
        source = self.raw.path if self.raw.data is None else self.raw.data
        return VideoReader(source, self.where, self.policy, self.raw.start, self.raw.end)
