import pytest

from tests.media.material import clip, encoded, photograph
from unite.config.schema.media import Decoding
from unite.data.decode import decode_content, decode_medium, decode_row
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.errors import DataError
from unite.types import Modality


def test_every_medium_is_decoded_by_its_kind():
    image, video = StoredMedium(Modality.IMAGE, encoded(photograph()), "jpg"), StoredMedium(Modality.VIDEO, clip(), "mp4")
    content = decode_content(StoredContent("a cat", (image, video), "Find it.", "cats"), Decoding(min_frames=2, max_frames=2))
    assert [(medium.modality, len(medium.frames)) for medium in content.media] == [(Modality.IMAGE, 1), (Modality.VIDEO, 2)]
    assert (content.text, content.instruction, content.group) == ("a cat", "Find it.", "cats")


@pytest.mark.parametrize(("modality", "extension"), [(Modality.IMAGE, "jpg"), (Modality.VIDEO, "mp4")])
def test_an_empty_file_is_refused(modality, extension):
    with pytest.raises(DataError, match=rf"the {modality} must be a \.{extension} file with content, but is '0 bytes long'"):
        decode_medium(StoredMedium(modality, b"", extension), Decoding())


def test_an_empty_content_is_refused_and_the_sample_named():
    with pytest.raises(DataError, match="a content must be a text, a medium or both"):
        decode_content(StoredContent(text="  "), Decoding())
    row = Row("7", StoredContent(text="a"), (StoredContent(text=""),))
    with pytest.raises(DataError, match="sample world/x.tar/7: a content must be"):
        decode_row(row, "world/x.tar/7", "world", Decoding())
