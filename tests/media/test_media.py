"""What the kinds of media have in common: which there are, how a file is known, what a cache key owes to decoding. Of `kind.py` too."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.media.material import clip, encoded, photograph
from tests.media.video.films import song
from unite.config.schema.media import Decoding
from unite.errors import DataError
from unite.media import KINDS, decoding_key, kind_of, kind_of_bytes, kind_of_file
from unite.media.picture import FORMATS
from unite.types import MEDIA, Modality


def test_every_modality_but_text_has_a_kind_of_its_own():
    assert [kind.modality for kind in KINDS] == list(MEDIA)
    assert [kind_of(modality).word for modality in MEDIA] == [str(modality) for modality in MEDIA]
    suffixes = [suffix for kind in KINDS for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert set(kind_of(Modality.VIDEO).also) <= set(kind_of(Modality.IMAGE).suffixes)
    for modality in (Modality.TEXT, Modality.TEXT | Modality.IMAGE):
        with pytest.raises(DataError, match="the modality of a medium must be one of .*image, video, but is 'text"):
            kind_of(modality)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("a.jpg", "image"),
        ("a.TIFF", "image"),
        ("a.svg", "image"),
        ("b/c.mp4", "video"),
        ("a.mkv", "video"),
        ("a.mpeg", "video"),
        ("a.gif", "image"),
    ],
)
def test_a_file_is_known_by_its_suffix(name, word):
    kind = kind_of_file(name)
    assert kind is not None and kind.word == word


def test_every_suffix_of_what_is_decoded_is_known():
    Image.init()
    of_decoded = {suffix.lstrip(".") for suffix, format in Image.registered_extensions().items() if format in FORMATS}
    assert of_decoded | set(FORMATS["HEIF"]) == set(kind_of(Modality.IMAGE).suffixes)


@pytest.mark.parametrize("name", ["notes.txt", "jpg", "a", "a.zip"])
def test_other_files_are_of_no_kind(name):
    assert kind_of_file(name) is None


def test_bytes_are_known_by_their_beginning():
    moving = encoded(photograph(), "GIF", save_all=True, append_images=[photograph(1)])
    for data, word in ((encoded(photograph()), "image"), (moving, "image"), (clip(2), "video"), (song(), "video")):
        kind = kind_of_bytes(data)
        assert kind is not None and kind.word == word
    heic = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"  # also where nothing here can decode it
    assert kind_of_bytes(heic) is kind_of(Modality.IMAGE) or "HEIF" in Image.OPEN
    for other in (b"", b"a", b"%PDF-1.7", b"PK\3\4", encoded(photograph())[:20]):
        assert kind_of_bytes(other) is None


def test_only_what_holds_a_video_depends_on_the_frames_picked():
    one, other, larger = Decoding(), Decoding(fps=2.0), Decoding(max_pixels=9, max_video_frames=3)
    for modality in (Modality.TEXT, Modality.IMAGE, Modality.TEXT | Modality.IMAGE):
        assert decoding_key(modality, one) == decoding_key(modality, other) == ("as shown 2" if Modality.IMAGE in modality else "")
    for modality in (Modality.VIDEO, Modality.TEXT | Modality.VIDEO):
        assert decoding_key(modality, one) != decoding_key(modality, other)
        assert decoding_key(modality, one) == decoding_key(modality, larger) != ""


def test_media_of_every_kind_can_be_blanked_and_shown():
    for kind in KINDS:
        media = [medium for probe in kind.probes() for medium in probe.media]
        assert media and all(medium.modality is kind.modality for medium in media)
        for medium in media:
            blank = kind.blank(medium)
            assert blank.modality is kind.modality and blank.frames.shape == medium.frames.shape and np.ptp(blank.frames) == 0
            assert blank.fingerprint == kind.blank(replace(medium, fingerprint=99)).fingerprint != medium.fingerprint
            assert kind.preview(medium).startswith(b"\xff\xd8")
