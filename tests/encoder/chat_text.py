"""A turn of a chat as one string, to hold it against the text of a published template."""

from unite.encoder.prompt import MediumPlace, Segment, Special, Text
from unite.types import Content


def chat_text(segments: list[Segment], content: Content) -> str:
    """Returns a turn as one string, each medium as its pad token between `<|vision_start|>` and `<|vision_end|>`."""
    pads = [f"<|vision_start|><|{medium.modality}_pad|><|vision_end|>" for medium in content.media]
    written = {Text: lambda segment: segment.text, Special: lambda segment: segment.name, MediumPlace: lambda segment: pads[segment.medium]}
    return "".join(written[type(segment)](segment) for segment in segments)
