"""What the rows of MMEB look like, in training and in evaluation: a text begins with its task's instruction, and a token marks the image.

VLM2Vec, arXiv 2410.05160. The instruction is no content: an ImageNet query is an image, not an image and a text.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def split_instruction(text: str, instructions: Sequence[str] = INSTRUCTIONS) -> tuple[str, str]:
    """Returns what a text of MMEB begins with, one of the instructions or "", and the rest of it. More are tried before fewer words."""
    instruction = next((one for one in sorted(instructions, key=len, reverse=True) if text.startswith(one)), "")
    return instruction, text[len(instruction) :].lstrip(" .:\n") if instruction else text
