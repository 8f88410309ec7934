import pytest

from tests.curation.material import write_csv
from unite.curation.recipes.image_captions import ImageCaptions
from unite.errors import DataError


def test_a_media_root_that_is_no_folder(tmp_path):
    file = write_csv(tmp_path / "a.csv", ["image", "caption"], [["1.jpg", "one"]])
    with pytest.raises(DataError, match="i.media_root must be a folder, but is 'the file .*a.csv'"):
        ImageCaptions("i", file, media_root=file)
    with pytest.raises(DataError, match="i.media_root must be a folder, but is '.*nowhere, which is not there'"):
        ImageCaptions("i", file, media_root=tmp_path / "nowhere")
