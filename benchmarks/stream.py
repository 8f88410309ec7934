"""The stream from curated shards against the raw originals with transformers' own processors, per core.

    python -m benchmarks.stream [--quick] [--photos FOLDER] [--video FILE]

    images   raw: read the file, decode with Pillow, transformers' Qwen2-VL image processor
             ours: read the row, decode, tokens and uint8 patches; images were stored at the encoder's pixel cap
    video    raw: read the file, decode with PyAV, pick frames, transformers' Qwen2-VL video processor
             ours: read the row, decode, tokens and uint8 patches; the frames were stored as JPEGs at the encoder's size

Both give patches of equal number and size. transformers has two image processors, written in Pillow and NumPy or in torchvision; the first
is what our resizing agrees with bit by bit, and what `image_stream_speedup` is against; the second is faster and has a key of its own
(`..._vs_torchvision`). Of video processors there is only torchvision's. Of a clip of 10 s the paper's rule, one frame a second, picks 10
frames; `..._12_frames` picks 12. Ours are normalised on the device that trains; keys that end in
`_normalised_here` do it on the same core instead.

On the pixels stored, ours must equal the processor's output to rounding (1e-5), or it fails. Rounds alternate, each timed
in CPU seconds of one thread; the median of the rounds' ratios counts.

Without --photos, photographs of 1.05 megapixels are made of the one that matplotlib carries (Grace Hopper, public domain): enlarged
crops with sensor-like noise, JPEG of quality 92. Without --video, a camera moves over it for 10 s: 320 x 240, 25 frames a second, H.264,
about 250 kB, as real clips of that length and size have.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import AutoConfig, AutoProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from benchmarks.camera import film, noisy, portrait
from unite.config.schema import ReadingConfig, TinyCheckpointConfig
from unite.config.schema.encoder import TinyArchitecture
from unite.config.schema.media import Decoding, MediaPolicy
from unite.data.decode import decode_content, decode_medium
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardReader, ShardWriter
from unite.encoder.families.qwen2_vl import Qwen2VL
from unite.encoder.processor import ContentProcessor
from unite.encoder.tiny import build_tiny_checkpoint
from unite.media import kind_of
from unite.media.ready import RawMedium
from unite.media.video.container import open_video
from unite.media.video.frames import Timeline
from unite.types import Content, Modality

_IMAGE_SIZE = {"shortest_edge": 256 * 28 * 28, "longest_edge": 1280 * 28 * 28}
_FRAME_SIZE = {"shortest_edge": 28 * 28, "longest_edge": 240 * 320}
_SIZES = ((1024, 1024), (1182, 887), (887, 1182), (1365, 768))


class Ours:
    """Media made ready and read back from a shard."""

    def __init__(
        self, modality: Modality, originals: Sequence[bytes], folder: Path, processor: ContentProcessor, min_frames: int = 4
    ) -> None:
        self.decoding, policy = Decoding(min_frames=min_frames), MediaPolicy(min_frames=min_frames)
        with ShardWriter(folder) as writer:
            for at, data in enumerate(originals):
                ready = kind_of(modality).load(RawMedium(modality, data=data), policy).ready
                stored = StoredMedium(modality, ready.data, ready.extension)
                writer.write(Row(f"{at:06d}", StoredContent(media=(stored,)), (StoredContent("a photograph"),)))
        self.reader, self.processor = ShardReader.of_folder(folder), processor
        image = processor.processor.image_processor
        each = image.temporal_patch_size * image.patch_size**2
        mean, std = (torch.tensor(values).repeat_interleave(each) for values in (image.image_mean, image.image_std))
        self.scale, self.shift = 1 / (255 * std), -mean / std

    def content(self, at: int) -> Content:
        return decode_content(self.reader.read(at).query, self.decoding)

    def patches(self, at: int) -> Tensor:
        """What a worker hands over: (N, D) uint8."""
        return self.processor.encode(self.content(at)).media["patches"]

    def normalised(self, at: int) -> Tensor:
        """The same as the vision tower takes it: (N, D) float32."""
        return self.patches(at).float().mul_(self.scale).add_(self.shift)


def check_equal(ours: Ours, at: int, process: Callable[[np.ndarray], Tensor]) -> None:
    """Raises AssertionError unless our patches are the processor's, given the pixels that are stored."""
    frames = ours.content(at).media[0].frames
    torch.testing.assert_close(ours.normalised(at), process(frames), atol=1e-5, rtol=0)


def images(originals: Sequence[bytes], folder: Path, processor: ContentProcessor, rounds: int) -> dict[str, float]:
    """Measures images."""
    ours = Ours(Modality.IMAGE, originals, folder / "images", processor)
    paths = _files(originals, folder / "raw_images", "jpg")
    pillow, torchvision = (kind(size=_IMAGE_SIZE) for kind in (Qwen2VLImageProcessorPil, Qwen2VLImageProcessor))

    def pixels(processor: Any, image: Image.Image) -> Tensor:
        found: Tensor = processor(images=[image], return_tensors="pt")["pixel_values"]
        return found

    def raw(processor: Any, at: int) -> Tensor:
        image = Image.open(io.BytesIO(paths[at].read_bytes())).convert("RGB")
        return pixels(processor, image)

    for at in range(len(originals)):
        assert raw(pillow, at).shape == raw(torchvision, at).shape == ours.patches(at).shape
        for processor_of_library in (pillow, torchvision):
            check_equal(ours, at, lambda frames, used=processor_of_library: pixels(used, Image.fromarray(frames[0])))  # type: ignore[misc]
    seconds = _race(
        {
            "ours": ours.patches,
            "here": ours.normalised,
            "pillow": lambda at: raw(pillow, at),
            "torchvision": lambda at: raw(torchvision, at),
        },
        len(originals),
        rounds,
    )
    return {
        "image_stream_speedup": _ratio(seconds, "pillow", "ours"),
        "image_stream_speedup_normalised_here": _ratio(seconds, "pillow", "here"),
        "image_stream_speedup_vs_torchvision": _ratio(seconds, "torchvision", "ours"),
        "image_stream_seconds": statistics.median(seconds["ours"]),
        "image_raw_seconds": statistics.median(seconds["pillow"]),
        "image_raw_seconds_torchvision": statistics.median(seconds["torchvision"]),
    }


def video(originals: Sequence[bytes], folder: Path, processor: ContentProcessor, rounds: int, min_frames: int = 4) -> dict[str, float]:
    """Measures video; `min_frames` of a short clip are picked."""
    ours = Ours(Modality.VIDEO, originals, folder / f"video{min_frames}", processor, min_frames)
    paths = _files(originals, folder / f"raw_video{min_frames}", "mp4")
    own = Qwen2VLVideoProcessor(size=_FRAME_SIZE, cap_pixels_per_frame=False)

    def process(frames: np.ndarray) -> Tensor:
        found: Tensor = own(videos=[frames], do_sample_frames=False, return_tensors="pt")["pixel_values_videos"]
        return found

    def raw(at: int) -> Tensor:
        with open_video(paths[at].read_bytes()) as (container, stream):
            assert stream.average_rate
            times = np.arange(stream.frames) / float(stream.average_rate)
            wanted = set(Timeline(times, stream.frames / float(stream.average_rate)).pick(ours.decoding).tolist())
            frames = [frame.to_ndarray(format="rgb24") for at, frame in enumerate(container.decode(stream)) if at in wanted]
        return process(np.stack(frames))

    for at, data in enumerate(originals):
        assert raw(at).shape == ours.patches(at).shape
        before = decode_medium(StoredMedium(Modality.VIDEO, data, "mp4"), ours.decoding).seconds
        np.testing.assert_allclose(ours.content(at).media[0].seconds, before, atol=1e-3)  # the same frames
        check_equal(ours, at, process)
    seconds = _race({"ours": ours.patches, "here": ours.normalised, "raw": raw}, len(originals), rounds)
    return {
        "video_stream_speedup": _ratio(seconds, "raw", "ours"),
        "video_stream_speedup_normalised_here": _ratio(seconds, "raw", "here"),
        "video_stream_seconds": statistics.median(seconds["ours"]),
        "video_raw_seconds": statistics.median(seconds["raw"]),
        "video_stored_share_of_bytes": sum(index.num_bytes for index in ours.reader.indices) / sum(map(len, originals)),
    }


def run(quick: bool, photos: Path | None = None, clip: Path | None = None) -> dict[str, float]:
    """Returns the figures; `quick` takes fewer rounds. One thread, whatever torch is set to."""
    threads, rounds = torch.get_num_threads(), 3 if quick else 15
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            checkpoint = build_tiny_checkpoint(
                TinyCheckpointConfig(architecture=TinyArchitecture.qwen2_vl), folder, ["a photograph of a person", "a video of a person"]
            )
            theirs = AutoProcessor.from_pretrained(checkpoint)
            processor = ContentProcessor(theirs, Qwen2VL(AutoConfig.from_pretrained(checkpoint), theirs), ReadingConfig())
            stills = [path.read_bytes() for path in sorted(photos.iterdir())] if photos else photographs()
            figures = images(stills, folder, processor, rounds)
            clips = [clip.read_bytes() if clip else moving_clip()]
            twelve = video(clips, folder, processor, rounds, min_frames=12)
            figures |= {"video_stream_speedup_12_frames": twelve["video_stream_speedup"]}
            return figures | video(clips, folder, processor, rounds)
    finally:
        torch.set_num_threads(threads)


def photographs() -> list[bytes]:
    """Makes JPEGs of about 1 megapixel, of the shapes that photographs have."""
    chance = np.random.default_rng(0)
    return [_jpeg(noisy(_crop(width / height, 0.3 * at).resize((width, height), 3), chance)) for at, (width, height) in enumerate(_SIZES)]


def moving_clip(seconds: int = 10, rate: int = 25) -> bytes:
    """Makes a clip of 320 x 240: a camera that moves and closes in."""
    return film(2, (320, 240), seconds * rate, rate, {"crf": "21"}, half=(200, 80), reach=(180, 250))


def _crop(aspect: float, place: float) -> Image.Image:
    whole = portrait()
    width = min(whole.width, int(whole.height * aspect))
    height = int(width / aspect)
    top = int(min(place, 1) * (whole.height - height))
    return whole.crop((0, top, width, top + height))


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()


def _files(originals: Sequence[bytes], folder: Path, extension: str) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{at}.{extension}" for at in range(len(originals))]
    for path, data in zip(paths, originals, strict=True):
        path.write_bytes(data)
    return paths


def _race(ways: dict[str, Callable[[int], Tensor]], count: int, rounds: int) -> dict[str, list[float]]:
    """Returns the seconds a medium that each way took in each round; the ways take turns within a round."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for at in range(rounds + 1):
        for name, way in ways.items():
            start = time.process_time()
            for medium in range(count):
                way(medium)
            if at:  # the first round warms up
                seconds[name].append((time.process_time() - start) / count)
    return seconds


def _ratio(seconds: dict[str, list[float]], slow: str, fast: str) -> float:
    return statistics.median(one / other for one, other in zip(seconds[slow], seconds[fast], strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for a smoke test")
    parser.add_argument("--photos", type=Path, help="a folder of JPEGs above the pixel cap")
    parser.add_argument("--video", type=Path, help="a clip with a frame count, 10 s or so")
    arguments = parser.parse_args()
    print(f"photographs: {arguments.photos or 'made of the one in matplotlib'}; video: {arguments.video or 'made of the same'}")
    print(json.dumps(run(arguments.quick, arguments.photos, arguments.video), indent=2))
