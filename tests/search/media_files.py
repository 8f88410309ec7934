"""Little pictures and clips as files' bytes, and as a request in JSON holds them."""

import base64
import io

import av
import numpy as np
from PIL import Image

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30)]


def picture(colour="red", size=(48, 36), form="PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, form)
    return file.getvalue()


def clip(codec="mpeg4", container="mp4", size=(64, 48), rate=4, num_frames=4) -> bytes:
    """Frames of the colours of `COLOURS` in turn, in any coding."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = {"png": "rgb24", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        for place in range(num_frames):
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), COLOURS[place % len(COLOURS)], np.uint8), "rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def uri(data: bytes, mime="image/png") -> str:
    return f"data:{mime};base64,{base64_of(data)}"
