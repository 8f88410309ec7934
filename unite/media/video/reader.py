"""The one reader of videos, for curation, training, evaluation and search: a file's bytes or path to the frames that are taken of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.media import Frames
from unite.media.video.animation import Animation, is_animation
from unite.media.video.container import Guard, UnusableVideoError, open_video
from unite.media.video.film import Film, MissingFrameError
from unite.media.video.frames import Timeline

T = TypeVar("T")


class Pictures(Protocol):
    """A video that is open: a film, or an animated picture.

    Attributes:
        timeline: when its frames are shown.
    """

    timeline: Timeline

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as shown."""
        ...

    def pixels(self, numbers: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yields (H, W, 3) of frames as shown, by their numbers, ascending. Raises MissingFrameError if one is not there."""
        ...

    def look_through(self) -> bool:
        """Makes the timeline that of the frames which can be decoded; returns whether that was new."""
        ...


@dataclass(frozen=True)
class Taken(Generic[T]):
    """The frames taken of a video or clip.

    Attributes:
        frames: what was made of each.
        times: when each is shown, in seconds from the beginning of the clip.
        seconds: how long the clip lasts.
        remark: as of `Timeline`.
    """

    frames: list[T]
    times: tuple[float, ...]
    seconds: float
    remark: str


@contextmanager
def opened(source: bytes | str, guard: Guard) -> Iterator[Pictures]:
    """Opens a video, bytes or path.

    Raises:
        UnusableVideoError: if it shows nothing.
        ERRORS (`unite.media.video.container`): if it is none, or broken from its beginning.
    """
    if isinstance(source, str):
        with Path(source).open("rb") as file:
            beginning = file.read(16)
    else:
        beginning = source[:16]
    if is_animation(beginning):
        yield Animation(Path(source).read_bytes() if isinstance(source, str) else source, guard)
        return
    with open_video(source) as (container, stream):
        yield Film(source, container, stream, guard)


def take(
    pictures: Pictures, rule: Frames, make: Callable[[NDArray[np.uint8]], T], start: float | None = None, end: float | None = None
) -> Taken[T]:
    """Takes frames by the rule of `unite.media.video.frames`.

    Args:
        rule: how many.
        make: what is made of each, one after the other, from its (H, W, 3).
        start, end: the clip in seconds; None for the beginning and the end.

    Raises:
        UnusableVideoError: if there is nothing in the clip.
        ERRORS (`unite.media.video.container`): if a frame is broken.
    """
    while True:
        clip = pictures.timeline.clip(start, end)
        numbers = clip.pick(rule)
        try:
            made = [make(pixels) for pixels in pictures.pixels(clip.first + numbers)]
        except MissingFrameError:
            made = []
        if len(made) == len(numbers):
            return Taken(made, tuple(clip.times[numbers].tolist()), clip.seconds, clip.remark)
        if not pictures.look_through():
            raise UnusableVideoError("video ends early", f"has no frame {len(made) + 1} of {len(numbers)}, which it had before")
