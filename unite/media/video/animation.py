"""Animated pictures as videos: GIF, WebP, PNG and AVIF, composed by Pillow as a viewer shows them.

Each picture is read as an image is (`unite.media.shown`): what is transparent shows white. It is shown as long as the file says, but one of
10 ms or less 100 ms, as browsers do. One round of a loop is taken. A picture that does not move is a video of one frame.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.media import picture
from unite.media.shown import as_shown, ask_what_is_free, shown_size
from unite.media.video.container import Guard
from unite.media.video.frames import Timeline

#: Of files whose pictures may move.
SUFFIXES = ("gif", "webp", "apng", "avif", "avifs")
_SHORTEST, _INSTEAD = 10, 100


def is_animation(data: bytes) -> bool:
    """Whether bytes, of which the first 16 are enough, begin as a file of such a format does."""
    if data[:4] == b"RIFF":
        return data[8:12] == b"WEBP"
    if data[4:8] == b"ftyp":
        return data[8:12] in (b"avif", b"avis")
    return data.startswith((b"GIF87a", b"GIF89a", b"\x89PNG\r\n\x1a\n"))


class Animation:
    """Reads an animated picture.

    Args:
        data: the file.
        guard: what bounds it.

    Raises:
        ValueError: if it is broken.
    """

    def __init__(self, data: bytes, guard: Guard) -> None:
        self._data, self._guard = data, guard
        milliseconds, fault = [], ""
        try:
            image = self._open()
            self.size = shown_size(image)
            for _ in self._pictures(image):
                shown = image.info.get("duration", 0)
                milliseconds.append(shown if shown > _SHORTEST else _INSTEAD)
        except picture.ERRORS as error:
            if not milliseconds:
                raise ValueError(str(error)) from error
            announced = getattr(image, "n_frames", 1) - bool(image.info.get("default_image"))
            fault = f"ends early: {len(milliseconds)} of {announced} pictures are there ({error})"
        ends = np.cumsum(milliseconds) / 1000
        self.timeline = Timeline(np.concatenate([[0.0], ends[:-1]]), float(ends[-1]), fault)

    def pixels(self, numbers: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yields (H, W, 3) of the frames asked for, by their numbers, ascending."""
        wanted = set(numbers.tolist())
        try:
            for number, image in enumerate(self._pictures(self._open())):
                if number in wanted:
                    pixels = as_shown(image)
                    yield np.asarray(pixels if pixels.size == self.size else pixels.resize(self.size, Image.Resampling.BICUBIC))
                if number == numbers[-1]:
                    return
        except picture.ERRORS as error:
            raise ValueError(str(error)) from error

    def look_through(self) -> bool:
        """Returns False: nothing more can be found out about its frames."""
        return False

    def _open(self) -> Image.Image:
        image = picture.open_picture(self._data)
        self._guard.size(*image.size)
        ask_what_is_free(image)
        return image

    def _pictures(self, image: Image.Image) -> Iterator[Image.Image]:
        """Yields the image at each of its pictures, loaded."""
        first = int(bool(image.info.get("default_image")))  # a PNG's picture for those who show no animation
        for number in range(getattr(image, "n_frames", 1) - first):
            self._guard.count(number)
            image.seek(number + first)
            image.load()
            yield image
