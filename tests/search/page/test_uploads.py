import io

import pytest
from PIL import Image

from tests.search.media_files import picture
from unite.config.schema.media import Decoding
from unite.errors import DataError
from unite.search.page.uploads import Uploads
from unite.search.server.uploads import upload_of_bytes


def test_an_upload_is_found_by_a_name_made_of_its_bytes():
    uploads = Uploads()
    red, blue = (upload_of_bytes(picture(colour)) for colour in ("red", "blue"))
    names = [uploads.keep(one) for one in (red, blue, red)]
    assert names[0] == names[2] != names[1]
    assert uploads.medium(names[1]) == blue
    assert Image.open(io.BytesIO(uploads.find(names[0]).preview)).format == "JPEG"


def test_where_room_is_short_what_was_asked_for_least_lately_goes():
    media = [upload_of_bytes(picture(colour)) for colour in ("red", "blue", "green")]
    uploads = Uploads(room=2 * len(media[0].data) + 8)
    red, blue = (uploads.keep(one) for one in media[:2])
    uploads.find(red)
    green = uploads.keep(media[2])
    assert uploads.medium(red) and uploads.medium(green)
    with pytest.raises(DataError, match="not kept any more: drop it again"):
        uploads.find(blue)


def test_what_is_too_large_is_refused():
    with pytest.raises(DataError, match="of at most 0 MB"):
        Uploads(room=10).keep(upload_of_bytes(picture("red")))
    with pytest.raises(DataError, match="at most 100"):
        Uploads(decoding=Decoding(max_pixels=100)).keep(upload_of_bytes(picture("red")))
    with pytest.raises(DataError, match="cannot be decoded"):
        Uploads().keep(upload_of_bytes(picture("red")[:70], mime="image/png"))
