import re

import pytest

from tests.media.material import clip, encoded, photograph
from tests.media.video.films import film, scenery
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


def test_a_video_that_ends_early_is_used_and_told_once_by_its_name(tmp_path, caplog):
    data = film(scenery(50, 320, 240), tmp_path / "clip.mp4", codec="mpeg4", container_options={"movflags": "faststart"})
    row = Row("7", StoredContent("a"), (StoredContent(media=(StoredMedium(Modality.VIDEO, data[: int(len(data) * 0.7)], "mp4"),)),))
    for _ in range(2):
        video = decode_row(row, "world/x.tar/7", "world", Decoding()).positives[0].media[0]
    assert len(video.frames) == 4 and 0.8 < video.duration < 1.8
    (told,) = caplog.messages
    assert re.fullmatch(
        r"the video of sample world/x.tar/7 ends early, .* s before the 2.00 s that it announces; what there is is used.", told
    )
