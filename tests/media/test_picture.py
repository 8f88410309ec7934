import io

import numpy as np
import pytest
from PIL import Image, ImageFilter
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

from tests.media.material import photograph
from unite.media.picture import blank, encoder_size, sharpness, strip, thumbnail
from unite.types import Medium, Modality


def test_the_size_is_the_one_that_the_encoder_gives():
    for width, height in ((320, 240), (160, 120), (30, 40), (42, 42), (391, 392), (401, 391), (640, 480)):
        size = encoder_size(width, height, 200 * 28 * 28, 28)
        assert size[::-1] == smart_resize(height, width, factor=28, min_pixels=28 * 28, max_pixels=200 * 28 * 28)


def test_thumbnails_are_32_a_side():
    assert thumbnail(photograph()).size == (32, 32) and thumbnail(photograph()).mode == "RGB"
    assert (np.asarray(thumbnail(Image.new("RGB", (90, 60), (200, 100, 50)))) == (200, 100, 50)).all()


def test_sharpness_is_the_variance_of_the_laplacian_whatever_the_size():
    rng = np.random.default_rng(0)
    sharp = Image.fromarray(rng.integers(0, 255, (192, 256), np.uint8)).convert("RGB")
    grey = np.asarray(sharp.convert("L"), float)
    by_hand = [
        grey[y - 1, x] + grey[y + 1, x] + grey[y, x - 1] + grey[y, x + 1] - 4 * grey[y, x] for y in range(1, 191) for x in range(1, 255)
    ]
    assert sharpness(sharp) == pytest.approx(np.var(by_hand), rel=1e-3)
    shown = sharp.filter(ImageFilter.GaussianBlur(1))
    assert sharpness(shown) > 2 * sharpness(shown.resize((64, 48))) > 0  # a small copy of it is enlarged again
    assert sharpness(shown) > 2 * sharpness(shown.filter(ImageFilter.GaussianBlur(1)))
    assert sharpness(Image.new("RGB", (300, 2))) == 0


def test_a_blank_medium_keeps_its_measures_and_shows_nothing():
    frames = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    shown, other = (Medium(Modality.VIDEO, some, number, (0.0, 1.5), 3.0) for number, some in enumerate((frames, frames[::-1])))
    grey_one = blank(shown)
    assert (grey_one.frames == 128).all() and grey_one.frames.shape == frames.shape and grey_one.seconds == (0.0, 1.5)
    assert grey_one.fingerprint == blank(other).fingerprint != shown.fingerprint
    longer = blank(Medium(Modality.VIDEO, frames, 1, (0.0, 1.5), 4.0))
    assert (grey_one.duration, longer.duration) == (3.0, 4.0) and longer.fingerprint != grey_one.fingerprint


def test_a_strip_shows_pictures_side_by_side():
    picture = np.full((90, 120, 3), 40, np.uint8)
    sizes = [Image.open(io.BytesIO(strip([picture] * number))).size for number in (1, 2, 4)]
    assert sizes == [(96, 72), (2 * 64 + 2, 48), (4 * 64 + 3 * 2, 48)]
