"""A turn of a chat as one string, to hold it against the text of a published template."""

from unite.encoder.prompt import MediumPlace, Segment, Special, Text
from unite.types import Content


def chat_text(segments: list[Segment], content: Content, *, marks: bool = True) -> str:
    """Returns a turn as one string, each medium as its pad token, with `marks` between `<|vision_start|>` and `<|vision_end|>`."""
    before, after = ("<|vision_start|>", "<|vision_end|>") if marks else ("", "")
    pads = [f"{before}<|{medium.modality}_pad|>{after}" for medium in content.media]
    written = {Text: lambda segment: segment.text, Special: lambda segment: segment.name, MediumPlace: lambda segment: pads[segment.medium]}
    return "".join(written[type(segment)](segment) for segment in segments)
