import pytest
from PIL import Image

from tests.curation.material import row
from tests.curation.steps.material import reason
from tests.media.material import Shapeless, encoded, image_medium, load, photograph
from unite.config.schema.media import MediaPolicy
from unite.curation.loaded import LoadedRow
from unite.curation.steps.image_size import ImageSize
from unite.errors import ConfigError, SkippedRowError
from unite.media.ready import RawMedium
from unite.types import Modality


@pytest.mark.parametrize(("size", "expected"), [((100, 80), None), ((100, 63), "image too small"), ((700, 100), "image too long drawn")])
def test_image_size(size, expected):
    medium = image_medium(Image.new("RGB", size))
    assert reason(ImageSize(min_side=64, max_aspect=5), row(positive_media=[medium])) == expected
    assert reason(ImageSize(min_side=64, max_aspect=5), row(query_media=[medium])) == expected


def test_what_is_no_picture_is_passed_by():
    small, sound = image_medium(Image.new("RGB", (9, 9))), RawMedium(Modality.VIDEO, data=b"sound")

    def judged(*media):
        shapeless = LoadedRow(row(positive_media=media), lambda raw: Shapeless(raw, MediaPolicy()) if raw is sound else load(raw))
        return ImageSize().judge_row(shapeless)

    assert judged(sound) is None and judged(sound, small).reason == "image too small"


def test_what_cannot_be_opened_is_told_by_the_medium():
    with pytest.raises(SkippedRowError, match="broken image"):
        reason(ImageSize(), row(query_media=[RawMedium(Modality.IMAGE, data=encoded(photograph())[:3])]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageSize(max_aspect=0.5), "image_size.max_aspect must be at least 1, but is 0.5"),
        (lambda: ImageSize(min_side=-1), "image_size.min_side must be at least 0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
