import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.curation.pictures import cropped, real_pictures
from tests.media.material import photograph
from unite.curation.picture_codes import CODE_SIZE, Codes, colours_agree, compared, crop, cut_axis, num_even, picture_code, same_uniform
from unite.media.picture import thumbnail


def codes_of(*images):
    return Codes.of(np.stack([picture_code(thumbnail(image)) for image in images]))


def test_a_code_is_small_and_holds_the_frequencies_and_the_mean():
    image = photograph(2, 320, 240)
    code = picture_code(thumbnail(image))
    assert code.shape == (CODE_SIZE,) and code.dtype == np.int8 and CODE_SIZE == 330
    codes = Codes.of(code[None])
    grey = np.asarray(thumbnail(image).convert("YCbCr"), float)
    assert codes.mean[0] == pytest.approx(grey[..., 0].mean(), abs=1)
    np.testing.assert_allclose(codes.colour[0, :, 0, 0], grey[..., 1:].mean((0, 1)) - 128, atol=1)
    from scipy.fft import dctn

    exact = dctn(grey[..., 0], norm="ortho")[:16, :16]
    exact[0, 0] = 0
    kept = codes.structure[0]
    assert (kept * exact).sum() / np.linalg.norm(kept) / np.linalg.norm(exact) > 0.9999


@pytest.mark.parametrize("cut", [(0, 0, 0.1, 0.1), (0.1, 0, 0, 0), (0.025, 0.075, 0.05, 0)])
def test_the_frequencies_of_a_crop_follow_from_those_of_the_whole(cut):
    left, top, right, bottom = cut
    for image in [*real_pictures(), photograph(0, 320, 240)]:
        whole, part = (codes_of(one).structure for one in (image, cropped(image, *cut)))
        down, across = cut_axis((top, bottom), 8)[None], cut_axis((left, right), 8)[None]
        guess = compared(crop(whole[0], down, across), 8)[0, 0]
        assert guess @ compared(part[0], 8) > 0.96
    np.testing.assert_allclose(cut_axis((0.0, 0.0), 8), np.eye(8, 16), atol=1e-5)


def test_mirroring_changes_the_sign_of_what_is_odd_across():
    image = real_pictures()[0]
    plain, mirrored = (compared(codes_of(one).structure, 8)[0] for one in (image, ImageOps.mirror(image)))
    even = num_even(8)
    np.testing.assert_allclose(plain[:even], mirrored[:even], atol=0.03)
    np.testing.assert_allclose(plain[even:], -mirrored[even:], atol=0.03)


def test_pictures_of_one_colour_are_told_apart_by_it():
    colours = ["#c83232", "#32c832", "#3232c8", "#c8c832", "#c83436"]
    codes = codes_of(*(Image.new("RGB", (200, 150), colour) for colour in colours), photograph())
    assert codes.uniform.tolist() == [True] * 5 + [False]
    same = [[bool(same_uniform(codes, np.array([i]), np.array([j]))[0]) for j in range(5)] for i in range(5)]
    assert same == [[i == j or {i, j} == {0, 4} for j in range(5)] for i in range(5)]


def test_colours_agree_with_their_grey_and_not_with_others():
    image = real_pictures()[0]
    hues = Image.merge("RGB", image.split()[::-1])
    one, grey, other = (codes_of(shown).colour for shown in (image, image.convert("L").convert("RGB"), hues))
    assert colours_agree(one, one)[0] and colours_agree(one, grey)[0] and colours_agree(grey, one)[0]
    assert not colours_agree(one, other)[0]
