"""When the frames of a video are shown, and which of them are taken.

The rule: as many moments as are asked for are spread evenly over the clip, from when its first frame is shown to when its last one is, and
at each moment the frame is taken that is shown nearest to it; at most once. It is the same for a video as it came, a clip of one and the
clip that curation stored, at constant and at variable rates: what counts is when a frame is shown, not which number it has.

Another, `rule=middle`, is that of MCG-NJU/CaReBench (`get_frame_indices` in its utils/video.py): the frames are counted, cut into as many
runs of whole frames as are asked for, and of each run the middle one is taken, of two the first. It repeats the last frame where there are
fewer than asked for; here such a video gives all it has, as ever.

A clip from `start` to `end` is what a player shows from `start` until just before `end`: it begins with the frame that is on the screen at
`start`, which may have come on before. Both are seconds from when the video's first frame is shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.media import FrameRule, Frames
from unite.media.video.container import UnusableVideoError

#: Seconds by which a frame may be shown after a moment, or before it, and still count as shown at it.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Timeline:
    """When each frame of a video, or of a clip of it, is shown.

    Attributes:
        times: (N,) seconds from its beginning, ascending; the first is 0.
        seconds: how long it lasts.
        remark: what a person should know of it, in words that follow its name; "" for nothing.
        first: which frame of the video is its first one.
    """

    times: NDArray[np.float64]
    seconds: float
    remark: str = ""
    first: int = 0

    @classmethod
    def of_stamps(cls, stamps: Sequence[int], base: float, rate: float, last: float, remark: str = "") -> Timeline:
        """Takes the times that a container tells, rounded to its ticks: a whole millisecond in Matroska.

        Where they are those of a constant rate, rounded, the times are counted instead: number over rate.

        Args:
            stamps: (N,) ticks, ascending.
            base: seconds a tick.
            rate: frames a second, as the container tells.
            last: seconds that the last frame is shown.
        """
        told = np.asarray([(stamp - stamps[0]) * base for stamp in stamps], np.float64)
        counted = np.arange(len(told), dtype=np.float64) / rate
        if (np.abs(told - counted) <= base).all():
            return cls(counted, len(told) / rate, remark)
        return cls(told, float(told[-1]) + (last if last > 0 else 1 / rate), remark)

    def clip(self, start: float | None, end: float | None) -> Timeline:
        """Returns what is shown from `start` until just before `end`; None is its beginning, and its end.

        Raises:
            UnusableVideoError: if `start` is not before `end`, or the video has ended by then.
        """
        if start is None and end is None:
            return self
        begin, until = max(start or 0.0, 0.0), math.inf if end is None else end
        if not begin < until:
            raise UnusableVideoError("empty clip", f"is meant from {begin} to {until} s")
        if begin >= self.seconds - _ROUNDING:
            raise UnusableVideoError("clip past the end", f"lasts {self.seconds:.2f} s, and the clip is to begin at {begin:.2f} s")
        first = int(np.searchsorted(self.times, begin + _ROUNDING, "right")) - 1
        stop = max(int(np.searchsorted(self.times, until - _ROUNDING, "left")), first + 1)
        times = self.times[first:stop] - begin
        times[0] = max(times[0], 0.0)
        return Timeline(times, min(until, self.seconds) - begin, self.remark, self.first + first)

    def pick(self, frames: Frames) -> NDArray[np.int64]:
        """Returns the numbers, ascending, of the frames to take: of its own, counted from 0. See the rule above.

        They are `fps` a second within the bounds, or all where there are no more. What is taken of a clip is taken again of the stored
        clip: it has no more frames than are asked for.
        """
        seconds = round(self.seconds * frames.fps, 4)  # the ticks of a stored clip may have rounded it off a half
        wanted = min(max(round(seconds), frames.min_frames), frames.max_frames, len(self.times))
        if wanted == len(self.times):
            return np.arange(wanted)
        if frames.rule == FrameRule.middle:
            runs = np.linspace(0, len(self.times), wanted + 1).astype(np.int64)
            return (runs[:-1] + runs[1:] - 1) // 2
        numbers = np.arange(len(self.times))
        beats = self.times / self.times[-1] * numbers[-1]  # in mean gaps from frame to frame
        if (np.abs(beats - numbers) < _ROUNDING).all():  # at a constant rate half way is half way to the bit
            beats = numbers
        moments = np.linspace(0, numbers[-1], wanted)
        return np.unique(np.interp(moments, beats, numbers).round()).astype(np.int64)
