"""What the kinds of media have in common: which there are, how a file is known, what a cache key owes to decoding. Of `kind.py` too."""

import numpy as np
import pytest

from unite.config.schema.media import Decoding
from unite.errors import DataError
from unite.media import KINDS, decoding_key, kind_of, kind_of_file
from unite.types import MEDIA, Medium, Modality


def test_every_modality_but_text_has_a_kind_of_its_own():
    assert [kind.modality for kind in KINDS] == list(MEDIA)
    assert [kind_of(modality).word for modality in MEDIA] == ["image", "video"]
    suffixes = [suffix for kind in KINDS for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for modality in (Modality.TEXT, Modality.TEXT | Modality.IMAGE):
        with pytest.raises(DataError, match="the modality of a medium must be one of image, video, but is 'text"):
            kind_of(modality)


@pytest.mark.parametrize(
    ("name", "word"),
    [("a.jpg", "image"), ("a.TIFF", "image"), ("a.svg", "image"), ("b/c.mp4", "video"), ("a.mkv", "video"), ("a.mpeg", "video")],
)
def test_a_file_is_known_by_its_suffix(name, word):
    kind = kind_of_file(name)
    assert kind is not None and kind.word == word


@pytest.mark.parametrize("name", ["notes.txt", "jpg", "a", "a.mp3"])
def test_other_files_are_of_no_kind(name):
    assert kind_of_file(name) is None


def test_only_what_holds_a_video_depends_on_the_frames_picked():
    one, other, larger = Decoding(), Decoding(fps=2.0), Decoding(max_pixels=9, max_video_frames=3)
    for modality in (Modality.TEXT, Modality.IMAGE, Modality.TEXT | Modality.IMAGE):
        assert decoding_key(modality, one) == decoding_key(modality, other) == ""
    for modality in (Modality.VIDEO, Modality.TEXT | Modality.VIDEO):
        assert decoding_key(modality, one) != decoding_key(modality, other)
        assert decoding_key(modality, one) == decoding_key(modality, larger) != ""


def test_media_of_every_kind_can_be_blanked_and_shown():
    for kind in KINDS:
        medium = Medium(kind.modality, np.zeros((1, 30, 40, 3), np.uint8), 1)
        assert kind.blank(medium).modality is kind.modality
        assert kind.preview(medium).startswith(b"\xff\xd8")
