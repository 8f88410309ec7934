r"""What the rows of MMEB look like, in training and in evaluation: a token marks the image, then comes the task's instruction.

    <|image_1|>\nRepresent the given image with the following question: What is the man by the bags awaiting?\n

VLM2Vec, arXiv 2410.05160. The instruction is no content: an ImageNet query is an image, not an image and a text. It is kept apart, and a
place for it in the text, so that a prompt can write the text as it was published, to the letter, or take the instruction out of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from unite.types import INSTRUCTION_PLACE, Modality, escape_places

IMAGE_TOKEN = "<|image_1|>"
#: What the texts of its tasks begin with, in training and evaluation, those of queries first.
INSTRUCTIONS = (
    "Represent the given image for classification",
    "Represent the given image for binary classification to determine whether it constitutes hateful speech or not",
    "Represent the given news image with the following caption for domain classification",
    "Identify the scene shown in the image",
    "Identify the object shown in the image",
    "Identify the country depicted in the image",
    "Represent the given image with the following question",
    "Represent the given dialogue about an image, which is used for image retrieval",
    "Given an image, find a similar everyday image with the described changes",
    "Find an image to match the fashion image and style note",
    "Find a day-to-day image that looks similar to the provided image",
    "Find an image caption describing the given everyday image",
    "Find me an everyday image that matches the given caption",
    "Find a caption for the news in the given photo",
    "Retrieve an image of this news caption",
    "Find a news image that matches the provided caption",
    "Find a Wikipedia image that answers this question",
    "Find the document image that can answer the given query",
    "Retrieve a Wikipedia image-description pair that provides evidence for the question of this image",
    "Select the portion of the image that isolates the object labeled as",
    "Select the portion of the image that follows the language expressions",
    "Select the portion of the image that answers the question",
    "Represent the given image",
    "Represent the given cropped image of the object",
    "Represent the given image with related text information",
    "Represent the given Wikipedia image with related text information",
)


def split_instruction(text: str, has_image: bool, instructions: Sequence[str] = INSTRUCTIONS) -> tuple[str, str]:
    r"""Returns a text of MMEB as a content has it, with places for image and instruction, and the instruction, "" if it has none.

    `<|IMAGE|>\n<|INSTRUCTION|> What is it?\n`. The instruction is what the text begins with, after the image, with its `:` or `.`.

    Args:
        text: as published.
        has_image: whether there is an image. Without one its token is removed: it stands in a few texts of WebQA.
        instructions: more words are tried before fewer.
    """
    text = escape_places(text)  # its format knows its own token alone
    text = text.replace(IMAGE_TOKEN, Modality.IMAGE.place, 1) if has_image else text
    text = re.sub(re.escape(IMAGE_TOKEN) + r"\s*", "", text)
    words = "|".join(re.escape(one) for one in sorted(instructions, key=len, reverse=True))
    found = re.match(rf"(\s*(?:{re.escape(Modality.IMAGE.place)})?\s*)((?:{words})[.:]?)", text) if words else None
    if found is None:
        return text, ""
    return f"{found[1]}{INSTRUCTION_PLACE}{text[found.end() :]}", found[2]
