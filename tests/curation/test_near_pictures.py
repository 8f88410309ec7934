import numpy as np
import pytest
from PIL import Image

from tests.curation.pictures import COPIES, real_pictures
from tests.media.material import photograph
from unite.curation.near_pictures import PictureRule, alike_pictures
from unite.curation.picture_codes import picture_code
from unite.media.picture import thumbnail

RULE = PictureRule(threshold=0.92, max_crop=0.1, mirrored=True)


def codes_of(images):
    return np.stack([picture_code(thumbnail(image)) for image in images])


def pairs(images, rule=RULE, **options):
    return set(zip(*(side.tolist() for side in alike_pictures(codes_of(images), rule, **options)), strict=True))


@pytest.mark.parametrize("copy", COPIES)
def test_copies_of_real_pictures_are_found_and_nothing_else(copy):
    originals = [*real_pictures(), *(photograph(seed, 320, 240) for seed in range(12))]
    copies = [COPIES[copy](image) for image in originals]
    assert pairs([*originals, *copies]) == {(at, at + len(originals)) for at in range(len(originals))}
    assert pairs([*copies, *originals]) == {(at, at + len(originals)) for at in range(len(originals))}


def test_crops_and_mirror_images_are_another_picture_where_they_are_meant_to_be():
    image = real_pictures()[0]
    shown = [image, COPIES["mirrored"](image), COPIES["its centre"](image)]
    assert pairs(shown) == {(0, 1), (0, 2), (1, 2)}
    assert pairs(shown, PictureRule(0.92, 0.1, mirrored=False)) == {(0, 2)}
    assert pairs(shown, PictureRule(0.92, 0.0, mirrored=True)) == {(0, 1)}


def test_solid_colours_and_blank_pages_are_compared_by_their_colours():
    solid = [Image.new("RGB", (100, 80), colour) for colour in ("red", "green", "blue", "yellow", "white")]
    again = [COPIES["JPEG of quality 20"](image) for image in solid]
    shapes = [Image.new("RGB", (100, 80), "white") for _ in range(2)]
    for image, colour in zip(shapes, ("red", "blue"), strict=True):
        image.paste(colour, (20, 20, 70, 50))
    assert pairs([*solid, *again, *shapes, photograph()]) == {(at, at + 5) for at in range(5)}


def test_pairs_of_known_and_others_alone():
    images = [photograph(seed, 320, 240) for seed in (0, 1, 2)]
    shown = [images[0], images[1], COPIES["mirrored"](images[1]), COPIES["its centre"](images[0]), COPIES["mirrored"](images[0])]
    assert pairs(shown, num_known=2) == {(0, 3), (0, 4), (1, 2)}
    assert pairs(shown, num_known=0) == pairs(shown[:1]) == set()


def test_cells_miss_next_to_nothing_of_what_comparing_all_finds():
    originals = [photograph(seed, 160, 120) for seed in range(150)]
    images = [*originals, *(COPIES[copy](image) for copy, image in zip([*COPIES] * 13, originals, strict=False))]
    everything = pairs(images, cell=len(images))
    assert len(everything) >= 150
    in_cells = pairs(images, cell=20)
    assert in_cells <= everything and len(in_cells) > 0.99 * len(everything)
