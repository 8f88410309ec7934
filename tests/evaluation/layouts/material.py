"""Benchmarks of twelve rows in the true layouts.

Everything has a number: a picture is as bright as 20 times its number, a text says it. The number of a fusion is the sum over its parts.
"""

import json

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tests.written import write_csv

NUM = 12


def write_image(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)).save(path)


def write_picture(path, number, size=56):
    """As large as Qwen's smallest, so that no processor changes its size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size, size, 3), 20 * number, np.uint8)).save(path)


def write_video(path, number, num_frames=4):
    write_film(path, [20 * number] * num_frames, rate=4)


def write_film(path, shades, rate=1):
    """One grey frame after the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for shade in shades:
            frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_parquet(path, rows, most=None):
    """Writes the rows, or the first of them; with none left, there are still columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows).slice(0, most), path)


def karpathy(root, coco=False):
    """Twelve test images with six captions each, five of which count, and a training image."""
    images = []
    for number in [*range(NUM), 12]:
        sentences = [{"raw": f"caption {word} of {number} ", "tokens": []} for word in "abcde"] + [{"raw": "one of 63"}]
        row = {"filename": f"i{number}.jpg", "split": "train" if number == 12 else "test", "sentences": sentences, "imgid": number}
        images.append({**row, "filepath": "val2014", "cocoid": 7} if coco else row)
        if number < 12:
            write_image(root / ("val2014" if coco else "flickr30k-images") / f"i{number}.jpg", number)
    write_json(root / f"dataset_{'coco' if coco else 'flickr30k'}.json", {"images": images, "dataset": "x"})


def msrvtt(root):
    for number in range(NUM):
        write_video(root / "MSRVTT_Videos" / f"video70{number}.mp4", number)
    (root / "MSRVTT_Videos" / "video703.mp4").rename(root / "MSRVTT_Videos" / "video703.webm")  # a few are
    rows = [(f"ret{number}", f"msr70{number}", f"video70{number}", f"number {number}, is it?") for number in range(NUM)]
    write_csv(root / "MSRVTT_JSFUSION_test.csv", ("key", "vid_key", "video_id", "sentence"), rows)


def video_captions(root, annotations, **fields):
    """`fields`: name -> what it holds for a number."""
    rows = [{"video": f"v/{number}.mp4", **{name: make(number) for name, make in fields.items()}} for number in range(NUM)]
    for number in range(NUM):
        write_video(root / "videos" / "v" / f"{number}.mp4", number)
    write_json(root / annotations, rows)


def sharegpt4v(root):
    rows = []
    for number in range(NUM + 1):
        turns = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": f"It is\n{number}."}]
        rows.append({"id": f"{number}", "image": f"sam/images/sa_{number}.jpg", "conversations": turns})
        if number < NUM:
            write_image(root / "sam" / "images" / f"sa_{number}.jpg", number)
    write_json(root / "share-captioner_coco_lcs_sam_1246k_1107.json", rows)


def urban1k(root):
    for number in range(NUM):
        write_image(root / "image" / f"{number}.jpg", number)
        (root / "caption").mkdir(exist_ok=True)
        (root / "caption" / f"{number}.txt").write_text(f"A street, {number}.\nNot read: 60.\n")


def docci(root):
    lines = []
    for number in range(NUM + 1):
        split = "train" if number == NUM else "test"
        lines.append({"example_id": "e", "split": split, "image_file": f"test_{number}.jpg", "description": f"A {number}."})
        if number < NUM:
            write_image(root / "images" / f"test_{number}.jpg", number)
    (root / "docci_descriptions.jsonlines").write_text("".join(json.dumps(line) + "\n" for line in lines))
