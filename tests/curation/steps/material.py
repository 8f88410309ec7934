"""What the tests of several steps share."""

import io

from PIL import Image, ImageEnhance

from tests.curation.material import loaded
from tests.media.material import encoded, photograph
from unite.data.rows import Row, StoredContent
from unite.data.tasks import write_task
from unite.types import Modality

SENTENCE = "a brown dog runs across the wide green field behind the old red barn while two children watch from the fence"


def reason(step, raw):
    drop = step.judge_row(loaded(raw))
    return drop and drop.reason


def embed(contents):
    raise AssertionError("the collection brings its embeddings")


def drops(verdict):
    return {at: drop.reason for at, drop in verdict.drops.items()}


def variants():
    """One photograph saved small, brighter and as a poor JPEG; and two others."""
    image = photograph(0, 320, 240)
    poor = Image.open(io.BytesIO(encoded(image, quality=30)))
    return [image, image.resize((200, 150)), ImageEnhance.Brightness(image).enhance(1.1), poor, photograph(1), photograph(2)]


def write_short(folder):
    """A task of names: every query and candidate is a short text."""
    names = [("red panda", "ailurus"), ("dog", "canis"), ("cat", "felis")]
    write_task(
        folder,
        name="names",
        queries=[Row(f"q{at}", StoredContent(query)) for at, (query, _) in enumerate(names)],
        candidates=[Row(f"c{at}", StoredContent(candidate)) for at, (_, candidate) in enumerate(names)],
        relevance={f"q{at}": {f"c{at}": 1, **({"c0": 0} if at else {})} for at in range(3)},
        query_modality=Modality.TEXT,
        candidate_modality=Modality.TEXT,
    )
    return str(folder)
