"""Rows and small collections for the tests of curation, and sets made of them."""

import numpy as np

from tests.media.material import photograph
from tests.written import write_csv
from unite.config.schema.media import MediaPolicy
from unite.curation.loaded import LoadedRow, medium_loader
from unite.curation.pipeline import Curation
from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.image_captions import ImageCaptions
from unite.curation.recipes.video_captions import VideoCaptions
from unite.curation.signatures import Signatures, normalise, sign_row
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.image_size import ImageSize
from unite.curation.steps.step import Collection
from unite.curation.steps.text_length import TextLength
from unite.errors import SkippedRowError


def row(query="a cat", positive="a feline", key="0", query_media=(), positive_media=(), negatives=(), instruction=""):
    contents = tuple(RawContent(text) for text in negatives)
    return RawRow(key, RawContent(query, tuple(query_media), instruction), (RawContent(positive, tuple(positive_media)),), contents)


def loaded(raw, policy=None):
    return LoadedRow(raw, medium_loader(policy or MediaPolicy()))


def collection(rows, embeddings=None, seed=0):
    """A collection of raw rows; `embeddings` are (queries, positives)."""
    sides = []
    for raw in rows:
        found = loaded(raw)
        sides.append(sign_row(found.store(), [found.query.looks(), found.positives[0].looks()]))

    def text(row, side):
        return normalise((rows[row].positives[0] if side else rows[row].query).text)

    return Collection([f"s/{at}" for at in range(len(rows))], Signatures.of(sides), seed, lambda embed: embeddings, text)


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


def unit(*rows):
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_collection(folder, num_rows=60):
    """Images with captions, among them every kind that is left out."""
    folder.mkdir(exist_ok=True)
    lines = []
    for at in range(num_rows):
        name = f"{at}.jpg"
        photograph(at, 40 if at % 11 == 5 else 200, 150).save(folder / name)
        if at % 13 == 3:
            (folder / name).write_bytes(b"")
        if at % 17 == 4:
            (folder / name).unlink()
        lines.append([name, "short" if at % 7 == 6 else f"a caption of picture number {at}", f"http://x/{at}"])
    lines.append(lines[0])
    return write_csv(folder / "rows.csv", ["image", "caption", "url"], lines)


def curate_pictures(folder, out, **options):
    recipe = ImageCaptions("pictures", folder / "rows.csv", licence="CC0")
    steps = [TextLength(min_words=3), ImageSize(min_side=64), ExactDuplicates()]
    defaults = {"rows_per_part": 16, "samples_per_shard": 10, "workers": 1, "progress": False}
    return Curation([recipe], steps, out=out, **(defaults | options)).run()


def curate_both(folder, out, **options):
    """Images, and clips of videos in a source of their own."""
    recipes = [
        ImageCaptions("pictures", folder / "rows.csv"),
        VideoCaptions("clips", folder / "clips.csv", start="start", end="end"),
    ]
    steps = [TextLength(min_words=3), ImageSize(min_side=64), ExactDuplicates()]
    return Curation(recipes, steps, out=out, rows_per_part=4, samples_per_shard=1, progress=False, **options).run()
