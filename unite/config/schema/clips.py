"""What training shows of clips, and what it makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from unite.errors import ConfigError, must_be, must_be_one_of


class ShownFrames(StrEnum):
    """What is shown of a clip: its frames `in_order`, `shuffled`, one of them `repeated` as often, a `single` one, or each as an image."""

    in_order = "in_order"
    shuffled = "shuffled"
    repeated = "repeated"
    single = "single"
    images = "images"


class ClipNegative(StrEnum):
    """A clip that shows the same in another order: played backwards (`reversed`), or `shuffled`."""

    reversed = "reversed"
    shuffled = "shuffled"


@dataclass(kw_only=True)
class ClipsConfig:
    """What training shows of a source's clips, beside or in place of what is stored. See `unite.data.clips` and docs/video.md.

    Tests, held-out rows and the index show clips as they are.

    Attributes:
        frames: what is shown of a clip: its frames in_order, shuffled, one of them repeated as often, a single one, or all as images, each
            a picture of its own. Which order or frame is a function of the clip alone, so equal clips stay equal.
        negatives: candidates made of each positive with a clip, which none is right for: the clip reversed, shuffled, or both. A clip that
            then shows the same gives none.
        in_turn: the share of rows whose clip is followed by that of the row beside it, their captions joined in that order; both rows of
            such a couple are, one the other way round. For sources of text and video; wants an even number of neighbours.
        in_turn_word: what stands between the two captions.

    Raises:
        ConfigError: if `frames` or a negative is none of those, a negative is named twice or of frames that are not in order, or `in_turn`
            is no share.
    """

    frames: ShownFrames = ShownFrames.in_order
    negatives: list[ClipNegative] = field(default_factory=list)
    in_turn: float = 0.0
    in_turn_word: str = ", then "

    def __post_init__(self) -> None:
        if self.frames not in list(ShownFrames):
            raise ConfigError(must_be_one_of("clips.frames", ShownFrames, self.frames))
        self.frames = ShownFrames(self.frames)  # a name may stand for it
        for kind in self.negatives:
            if kind not in list(ClipNegative):
                raise ConfigError(must_be_one_of("a kind in clips.negatives", ClipNegative, kind))
        self.negatives = [ClipNegative(kind) for kind in self.negatives]
        if len(set(self.negatives)) < len(self.negatives):
            raise ConfigError(must_be("clips.negatives", "kinds named once", [str(kind) for kind in self.negatives]))
        if self.negatives and self.frames != ShownFrames.in_order:
            hint = "Negatives in another order need a positive in its own."
            raise ConfigError(must_be("clips.frames", "in_order with clips.negatives", str(self.frames), hint))
        if not 0 <= self.in_turn <= 1:
            raise ConfigError(must_be("clips.in_turn", "from 0 to 1", self.in_turn))

    @property
    def told(self) -> str:
        """What is made of clips, in a line; "" where they are shown as they are."""
        parts = {
            "frames": "" if self.frames == ShownFrames.in_order else str(self.frames),
            "negatives": ", ".join(sorted(map(str, self.negatives))),
            "in_turn": f"{self.in_turn:g}{self.in_turn_word!r}" if self.in_turn else "",
        }
        return "; ".join(f"{name}: {value}" for name, value in parts.items() if value)

    def check(self, name: str, query: str, positive: str, neighbours: int) -> None:
        """Raises ConfigError if a source of such pairs has no clips for what is asked.

        Args:
            name: of the source in the config.
            query, positive: its modalities.
            neighbours: rows that stay together.
        """
        sides = [{part.strip() for part in side.replace(",", "+").split("+")} for side in (query, positive)]
        pair = f"{query} to {positive}"
        if self.frames != ShownFrames.in_order and not any("video" in side for side in sides):
            raise ConfigError(must_be(f"{name}.clips.frames", "in_order for a source without video", f"{self.frames}, of {pair}"))
        if self.negatives and "video" not in sides[1]:
            hint = "They are candidates, beside the positive."
            raise ConfigError(must_be(f"{name}.clips.negatives", "empty where no positive holds a video", f"given, of {pair}", hint))
        if self.in_turn and sorted(map(sorted, sides)) != [["text"], ["video"]]:
            raise ConfigError(must_be(f"{name}.clips.in_turn", "0 but for text to video and back", f"{self.in_turn}, of {pair}"))
        if self.in_turn and neighbours % 2:
            hint = "Rows 0 and 1 are a couple, 2 and 3, and so on; they must come into one batch."
            raise ConfigError(must_be(f"{name}.neighbours", "even with clips.in_turn", neighbours, hint))
