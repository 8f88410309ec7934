import numpy as np
import pytest
from PIL import Image

from tests.curation.material import loaded, row
from tests.curation.steps.material import reason
from tests.media.material import image_medium, photograph, video_medium
from unite.curation.steps.image_contrast import ImageContrast
from unite.errors import ConfigError

NOISE = np.random.default_rng(0)


def scan(bits):
    """Numbers of so many bits, stored in 16."""
    return image_medium(Image.fromarray(NOISE.integers(0, 2**bits, (60, 80)).astype(np.uint16)), format="PNG")


@pytest.mark.parametrize(
    ("medium", "expected"),
    [
        (image_medium(Image.new("RGB", (80, 60), "white")), "image nearly uniform"),
        (image_medium(Image.new("RGBA", (80, 60), (0, 0, 0, 0)), format="PNG"), "image nearly uniform"),  # white, as shown
        (scan(10), "image nearly uniform"),
        (scan(16), None),
        (image_medium(photograph()), None),
        (video_medium(), None),
    ],
)
def test_image_contrast(medium, expected):
    assert reason(ImageContrast(), row(positive_media=[medium])) == expected
    assert reason(ImageContrast(min_contrast=0), row(query_media=[medium])) is None


def test_the_contrast_is_the_standard_deviation_of_the_channel_that_varies_most():
    pixels = NOISE.integers(0, 255, (60, 80, 3)).astype(np.uint8) // np.array([1, 4, 60], np.uint8)
    drop = ImageContrast(min_contrast=100).judge_row(loaded(row(positive_media=[image_medium(Image.fromarray(pixels), format="PNG")])))
    assert drop is not None and drop.detail == f"the image in the record has a contrast of {pixels[..., 0].std():.2f}"


def test_bad_arguments_are_refused():
    with pytest.raises(ConfigError, match="image_contrast.min_contrast must be at least 0"):
        ImageContrast(min_contrast=-1)
