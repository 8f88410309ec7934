"""Photographs that other packages bring, and what happens to pictures on their way through the web."""

import io
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageFilter, ImageOps
from sklearn.datasets import load_sample_image

from tests.media.material import encoded


@cache
def real_pictures():
    """A temple, a flower and a portrait."""
    hopper = Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg").convert("RGB")
    images = [*(Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")), hopper]
    return [ImageOps.contain(image, (480, 480)) for image in images]


def cropped(image, left=0.0, top=0.0, right=0.0, bottom=0.0):
    """Shares of the sides cut off at the edges."""
    width, height = image.size
    return image.crop((round(left * width), round(top * height), round(width - right * width), round(height - bottom * height)))


def saved(image, quality):
    return Image.open(io.BytesIO(encoded(image, quality=quality))).convert("RGB")


COPIES = {
    "smaller": lambda image: image.resize((image.width * 2 // 5, image.height * 2 // 5)),
    "JPEG of quality 20": lambda image: saved(image, 20),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "without its left tenth": lambda image: cropped(image, left=0.1),
    "without its top tenth": lambda image: cropped(image, top=0.1),
    "without its right tenth": lambda image: cropped(image, right=0.1),
    "without its bottom tenth": lambda image: cropped(image, bottom=0.1),
    "its centre": lambda image: cropped(image, 0.1, 0.1, 0.1, 0.1),
    "a corner": lambda image: cropped(image, left=0.07, bottom=0.04),
    "mirrored": ImageOps.mirror,
    "mirrored without a tenth": lambda image: cropped(ImageOps.mirror(image), left=0.1),
}
