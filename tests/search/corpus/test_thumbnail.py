import io

import numpy as np
from PIL import Image

from unite.search.corpus.thumbnail import thumbnail
from unite.types import Content, Medium, Modality


def test_a_thumbnail_is_small_and_of_a_video_its_middle():
    frames = np.stack([np.full((100, 200, 3), shade, np.uint8) for shade in (0, 120, 250)])
    video = Medium(Modality.VIDEO, frames, 1, (0.0, 1.0, 2.0))
    small = Image.open(io.BytesIO(thumbnail(Content(media=(video,)), 50)))
    assert small.size == (50, 25) and small.format == "JPEG" and abs(int(np.asarray(small).mean()) - 120) <= 1
    tiny = Image.open(io.BytesIO(thumbnail(Content(media=(Medium(Modality.IMAGE, frames[:1, :10, :10], 2),)), 50)))
    assert tiny.size == (10, 10)
    assert thumbnail(Content("a text"), 50) is None and thumbnail(Content(media=(video,)), 0) is None
