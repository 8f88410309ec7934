"""Little files that a decoder takes."""

import base64
import io

import av
import numpy as np
from PIL import Image


def picture(form="PNG", size=(12, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, form)
    return file.getvalue()


def clip(num_frames=4) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for place in range(num_frames):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * place % 256, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def uri(data: bytes, mime="image/png") -> str:
    return f"data:{mime};base64,{base64_of(data)}"
