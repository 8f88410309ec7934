"""A video as a folder of its frames, a picture each: how benchmarks come whose authors cut the videos themselves (MMEB-V2).

    <folder>/frame_0001.jpg ... frame_0064.jpg   --packed-->   a tar of those taken   --decode-->   (T, H, W, 3)

**Which are taken**: in the order of the numbers in their names, `max_frames` at evenly spread places, cut to whole numbers
(`np.linspace(0, n - 1, max_frames, dtype=int)`); all where there are no more. `fps` and `min_frames` do not count. So do
TIGER-AI-Lab/VLM2Vec (`sample_frames` in src/utils/vision_utils/vision_utils.py at 6e1e1d4) and Qwen3-VL-Embedding.

**When they are shown** nobody knows: those taken count as half a second apart, however long the video was. So do the processors of their
authors when they are handed a list of pictures: Qwen2.5-VL's (`fps` 2.0) and `fetch_video` of qwen-vl-utils 0.0.14, which Qwen3-VL's reads.

What is no picture (by its suffix, as there), or hidden, is passed over. A frame of another size than the first is brought to the first's,
as those processors do, and that is told (`Taken.remark`).
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.config.schema.media import Decoding
from unite.errors import DataError, first_of
from unite.media import picture
from unite.media.kind import file_state
from unite.media.shown import as_shown
from unite.media.video.reader import Taken

T = TypeVar("T")
#: Of the files that are frames.
SUFFIXES = (".jpg", ".jpeg", ".png")
#: Seconds from one frame taken to the next.
GAP = 0.5


def frames_of(folder: Path) -> list[Path]:
    """Returns the pictures in a folder, `frame_2.jpg` before `frame_10.jpg`. Raises OSError if it cannot be read."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    return sorted(files, key=lambda path: in_order(path.name))


def in_order(name: str) -> tuple[list[str | int], str]:
    """Returns by what names are sorted so that numbers in them count as such."""
    parts: list[str | int] = [int(part) if part.isdecimal() else part.lower() for part in re.split(r"(\d+)", name)]
    return parts, name


def taken_of(frames: Sequence[T], decoding: Decoding) -> Sequence[T]:
    """Returns the frames to take of all, see above."""
    if len(frames) <= decoding.max_frames:
        return frames
    return [frames[place] for place in np.linspace(0, len(frames) - 1, decoding.max_frames, dtype=int)]


def fault(folder: Path) -> str:
    """Returns what is missing in a folder, as words behind its path; "" for nothing.

    A number, the last in a name, counts as missing where the others follow one another: names that tell the frame of the original
    (0, 24, 48) miss none. Names that differ before it (`shot_1_9`, `shot_2_4`) are counted each for itself.
    """
    frames = frames_of(folder)
    if not frames:
        return f"a folder without {', '.join(SUFFIXES)}" if any(folder.iterdir()) else "an empty folder"
    found = [re.fullmatch(r"(.*?)(\d+)\D*", path.stem.lower(), re.DOTALL) for path in frames]
    numbered = [(match[1], int(match[2])) for match in found if match]
    steps = [(before, after) for (name, before), (other, after) in pairwise(numbered) if name == other]
    if not steps or not all(found) or median_low(after - before for before, after in steps) != 1:
        return ""
    lost = [str(before + 1) if after == before + 2 else f"{before + 1} to {after - 1}" for before, after in steps if after > before + 1]
    return f"without frame {first_of(lost)}" if lost else ""


def state(folder: Path, decoding: Decoding) -> tuple[object, ...]:
    """Returns what tells a folder from itself before it was changed, and from another choice of its frames. Raises OSError."""
    frames = frames_of(folder)
    looks = [(path.name, *file_state(path)) for path in taken_of(frames, decoding)]
    return len(frames), *looks


def pack(folder: Path, decoding: Decoding) -> bytes:
    """Returns the frames to take of a folder, as they are, in an uncompressed tar; equal frames give equal bytes.

    Raises:
        DataError: if it holds none.
        OSError: if one cannot be read.
    """
    frames = taken_of(frames_of(folder), decoding)
    if not frames:
        raise DataError(f"{folder} is {fault(folder)}: it must hold the frames of a video.")
    return _packed((path.name, path.read_bytes()) for path in frames)


def pack_pictures(frames: Sequence[Image.Image], decoding: Decoding, where: str) -> bytes:
    """Returns the frames to take of a list, as PNG of their pixels as they are shown, as `pack` does those of a folder.

    Raises:
        DataError: if one is larger than the limits or cannot be shown; the list is called `where`.
    """

    def encoded(frame: Image.Image, name: str) -> bytes:
        picture.check_decoded_size(name, frame.width, frame.height, decoding)
        file = io.BytesIO()
        try:
            Image.fromarray(np.asarray(as_shown(frame))).save(file, "PNG", compress_level=1)  # its pixels alone, and soon read again
        except (*picture.ERRORS, SystemError) as error:  # SystemError: it has no pixels
            raise DataError(f"{name}, a Pillow image of mode {frame.mode}, cannot be shown: {error}") from error
        return file.getvalue()

    numbers = taken_of(range(len(frames)), decoding)
    return _packed((f"{number:06d}.png", encoded(frames[number], f"frame {number} of {where}")) for number in numbers)


def is_packed(data: bytes) -> bool:
    """Whether bytes are what `pack` makes."""
    return data[257:262] == b"ustar"


def decode_packed(data: bytes, decoding: Decoding) -> tuple[NDArray[np.uint8], Taken[NDArray[np.uint8]]]:
    """Returns the frames, (T, H, W, 3), and when each is shown; of a tar that somebody else packed as many as of a folder.

    Raises:
        DataError: if one is broken, no plain file or larger than the limits; it is named.
    """
    frames: list[NDArray[np.uint8]] = []
    others: list[str] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in taken_of(archive.getmembers(), decoding):
                image = _read(archive, member, decoding)
                if frames and image.size != frames[0].shape[1::-1]:
                    others.append(member.name)
                    image = image.resize(frames[0].shape[1::-1], Image.Resampling.BICUBIC)
                frames.append(np.asarray(image))
    except (tarfile.TarError, ValueError) as error:
        raise DataError(f"the frames of a video cannot be read ({error}).") from error
    remark = f"has frames of another size than its first, which are brought to that: {first_of(others)}" if others else ""
    times = tuple(GAP * number for number in range(len(frames)))
    return np.stack(frames), Taken(frames, times, GAP * len(frames), remark)


def _packed(members: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo, decoding: Decoding) -> Image.Image:
    if not member.isreg() or member.issparse():  # a link may name itself, and what is sparse unfolds to any length
        raise DataError(f"the frame {member.name} must be a plain file in the tar of a video's frames.")
    file = archive.extractfile(member)
    data = file.read() if file else b""
    try:
        image = picture.open_picture(data)
        picture.check_decoded_size(f"the frame {member.name}", image.width, image.height, decoding)
        return as_shown(image)
    except picture.ERRORS as error:
        raise DataError(f"the frame {member.name} cannot be decoded ({error}); its first bytes are {data[:8]!r}.") from error
