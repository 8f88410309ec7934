import base64
import io

import numpy as np
import pytest
from PIL import Image

from unite.media.preview import cut, preview
from unite.types import Content, Medium, Modality, escape_places


def test_previews_are_small():
    frames = np.random.default_rng(0).integers(0, 255, (9, 300, 400, 3), dtype=np.uint8)
    video, still = Medium(Modality.VIDEO, frames, 1, tuple(range(9))), Medium(Modality.IMAGE, frames[:1], 2)
    shown = preview(Content("<|VIDEO|> " + "x" * 1000, (video, still), "y" * 1000))
    sizes = [Image.open(io.BytesIO(base64.b64decode(data))).size for _, data in shown.pictures]
    assert [modality for modality, _ in shown.pictures] == ["video", "image"]
    assert sizes == [(4 * 64 + 3 * 2, 48), (96, 72)]
    assert len(shown.text) == len(shown.instruction) == 280
    assert shown.text.endswith("…")


def test_a_preview_says_what_people_wrote():
    shown = preview(Content(f"<|IMAGE|> {escape_places('an <|IMAGE|> tag')}", (), escape_places("<|VIDEO|>")))
    assert (shown.text, shown.instruction) == ("an <|IMAGE|> tag", "<|VIDEO|>")


def test_a_strip_shows_frames_in_time():
    frames = np.stack([np.full((8, 8, 3), value, np.uint8) for value in (0, 80, 160, 240)])
    shown = preview(Content(media=(Medium(Modality.VIDEO, frames, 1, (0.0, 1.0, 2.0, 3.0)),)))
    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.pictures[0][1]))))
    assert strip[4, [4, 14, 24, 34], 0].tolist() == pytest.approx([0, 80, 160, 240], abs=12)


def test_a_text_is_cut_only_where_it_is_longer():
    assert [cut("abcd", length) for length in (5, 4, 3)] == ["abcd", "abcd", "ab…"]
