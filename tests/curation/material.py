"""Pictures, clips, rows and small collections for the tests of curation."""

import csv
import io

import av
import numpy as np
from PIL import Image

from unite.curation.loaded import LoadedRow, medium_loader
from unite.curation.media import MediaPolicy
from unite.curation.raw import RawContent, RawMedium, RawRow, SkippedRowError
from unite.curation.signatures import Signatures, sign_row
from unite.curation.steps.step import Collection
from unite.types import Modality


def photograph(seed=0, width=160, height=120):
    """Smooth random colours: what a photograph is to JPEG and to a perceptual hash."""
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


def row(query="a cat", positive="a feline", key="0", query_media=(), positive_media=(), negatives=()):
    contents = tuple(RawContent(text) for text in negatives)
    return RawRow(key, RawContent(query, tuple(query_media)), (RawContent(positive, tuple(positive_media)),), contents)


def loaded(raw, policy=None):
    return LoadedRow(raw, medium_loader(policy or MediaPolicy()))


def collection(rows, embeddings=None, seed=0):
    """A collection of raw rows; `embeddings` are (queries, positives)."""
    sides = []
    for raw in rows:
        one = loaded(raw)
        thumbnails = [[small for medium in side.media for small in medium.ready.thumbnails] for side in (one.query, one.positives[0])]
        sides.append(sign_row(one.store(), thumbnails))
    return Collection([f"s/{at}" for at in range(len(rows))], Signatures.of(sides), seed, lambda embed: embeddings)


class Rows:
    """A recipe over rows that are there already; an error in their place is raised."""

    def __init__(self, rows, name="rows"):
        self.rows, self.name = rows, name

    def __len__(self):
        return len(self.rows)

    def read(self, at):
        if isinstance(self.rows[at], SkippedRowError):
            raise self.rows[at]
        return RawRow(f"{at:09d}", *[getattr(self.rows[at], name) for name in ("query", "positives", "negatives", "licence", "metadata")])

    def fingerprint(self):
        return str(len(self.rows))


def write_csv(path, columns, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def unit(*rows):
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
