"""Pictures and clips for the tests of media and of what is built on them."""

import io
import random

import av
import numpy as np
from PIL import Image

from unite.config.schema.media import Decoding, MediaPolicy
from unite.media import kind_of
from unite.media.ready import LoadedMedium, RawMedium, ReadyMedium
from unite.types import Modality


def photograph(seed=0, width=160, height=120):
    """Smooth random colours: what a photograph is to JPEG and to a code of it."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image, format="JPEG", **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def clip(num_frames=30, rate=10, width=160, height=120, shift=3, seed=0, format="mp4"):
    """A panorama that moves by `shift` pixels a frame; frame i of it is `frame_at(i)`."""
    out = io.BytesIO()
    with av.open(out, "w", format=format) as container:
        stream = container.add_stream("libx264", rate=rate, options={"threads": "1", "crf": "12", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        container.start_encoding()
        for at in range(num_frames):
            frame = av.VideoFrame.from_ndarray(frame_at(at, width, height, shift, seed), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def frame_at(at, width=160, height=120, shift=3, seed=0):
    return np.ascontiguousarray(np.roll(np.asarray(photograph(seed, width, height)), shift * at, axis=1))


def image_medium(image=None, **options):
    return RawMedium(Modality.IMAGE, data=encoded(image or photograph(), **options))


def video_medium(data=None, start=None, end=None):
    return RawMedium(Modality.VIDEO, data=clip() if data is None else data, start=start, end=end)


class Shapeless(LoadedMedium):
    """A medium that is no picture."""

    @property
    def ready(self):
        return ReadyMedium(self.data, "bin")


def load(raw, **policy):
    """A medium of a raw collection, within reach."""
    return kind_of(raw.modality).load(raw, MediaPolicy(**policy))


def decode(modality, data, **decoding):
    """What training sees of a file's bytes."""
    return kind_of(modality).decode(data, Decoding(**decoding))


def damaged(data, seed):
    """The data with a few bytes changed, more often near the beginning, and sometimes cut."""
    rng = random.Random(seed)
    data = bytearray(data)
    for _ in range(rng.choice([1, 2, 4, 20])):
        data[rng.randrange(min(len(data), rng.choice([30, 200, len(data)])))] = rng.randrange(256)
    return bytes(data[: rng.randrange(1, len(data))] if rng.random() < 0.2 else data)
