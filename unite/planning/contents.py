"""What a step is to embed, as the options of its mixture tell: contents of each kind, and how long they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from unite.config.schema.encoder import EncoderConfig
from unite.config.schema.plan import PlanConfig
from unite.tracking.recorded import mixture_shares
from unite.types import Modality

#: Frames that one visual token stands for, in all families there are.
_FRAMES_PER_TOKEN = 2


@dataclass(frozen=True)
class Contents:
    """Contents of one kind.

    Attributes:
        kind: `text`, `text+image`, ...
        number: of them in a step, over all ranks.
        tokens: of one.
        visual: tokens of media among them.
        frames: that the tower sees of one; an image is one.
    """

    kind: str
    number: float
    tokens: int
    visual: int = 0
    frames: int = 0


def contents_of_step(
    mixture: Mapping[str, Any], rows: int, encoder: EncoderConfig, plan: PlanConfig, patch_size: int, merge_size: int
) -> list[Contents]:
    """Returns the contents of a batch of so many rows, a query and a positive each; equal contents are not counted on.

    Negatives that a source makes of its clips (`clips.negatives`) are contents of their own; where it shows a clip as images, each frame is
    one, and of a single frame the tower sees that. Two clips in turn have no more frames than one.

    Args:
        mixture: its `sources`, each with `query`, `positive` and `decoding`, and its `shares`.
        rows: samples of a step over all ranks.
        encoder: its caps on images, frames and length.
        plan: what the options do not tell.
        patch_size: pixels of a patch's side.
        merge_size: patches of a visual token's side.
    """
    numbers: dict[tuple[str, int, bool], float] = {}
    for share, source in _shares(mixture):
        clips = source.get("clips") or {}
        frames = 1 if clips.get("frames") == "single" else plan.frames or int(source["decoding"]["max_frames"])
        for side in ("query", *["positive"] * (1 + len(clips.get("negatives", ())))):
            kind = Modality.parse(source[side])
            has_clip = Modality.VIDEO in kind
            key = (str(kind), frames if has_clip else 0, has_clip and clips.get("frames") == "images")
            numbers[key] = numbers.get(key, 0.0) + share * rows
    return [_contents(*key, number, encoder, plan, patch_size * merge_size) for key, number in sorted(numbers.items())]


def _shares(mixture: Mapping[str, Any]) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """Yields each source with its share of the rows; where shares follow from the rows, which are not looked at, they are equal."""
    sources, shares = mixture["sources"], mixture_shares(mixture)
    for name, source in sources.items():
        yield shares.get(name, 1 / len(sources)), source


def _contents(kind: str, frames: int, are_images: bool, number: float, encoder: EncoderConfig, plan: PlanConfig, side: int) -> Contents:
    modality = Modality.parse(kind)
    visual, seen = 0, 0
    if Modality.IMAGE in modality:
        visual, seen = visual + (plan.image_tokens or encoder.max_image_tokens), seen + 1
    if are_images:
        visual, seen = visual + frames * (plan.image_tokens or encoder.max_image_tokens), seen + frames
    elif Modality.VIDEO in modality:
        each = max(1, encoder.max_frame_pixels // side**2)
        visual, seen = visual + each * -(-frames // _FRAMES_PER_TOKEN), seen + frames
    tokens = min(encoder.max_length, plan.text_tokens + visual)
    return Contents(kind, number, tokens, min(visual, tokens), seen)
