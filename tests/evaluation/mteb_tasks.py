"""Tasks of mteb's own classes on data in memory, and a way to run them."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow
from rich.console import Console

from tests.fake_encoder import FakeEncoder

mteb = pytest.importorskip("mteb")
from datasets import Dataset, Image  # noqa: E402
from mteb.abstasks import AbsTaskClassification, AbsTaskRetrieval  # noqa: E402
from mteb.abstasks.task_metadata import TaskMetadata  # noqa: E402

NUM = 24
KS = (1, 3, 5, 10)


def metadata(name, **changes):
    fields = {
        "name": name, "type": "Retrieval", "description": "in memory", "reference": None, "dataset": {"path": "none", "revision": "none"},
        "category": "t2t", "modalities": ["text"], "eval_splits": ["test"], "eval_langs": ["eng-Latn"], "main_score": "ndcg_at_10",
        "date": None, "domains": None, "task_subtypes": None, "license": None, "annotations_creators": None, "dialect": None,
        "sample_creation": None, "bibtex_citation": None,
    }  # fmt: skip
    return TaskMetadata(**(fields | changes))


class InMemory(AbsTaskRetrieval):
    """Graded relevance; every query has one right answer and another that is half right."""

    metadata = metadata("InMemory")
    k_values = KS

    def __init__(self, queries, corpus, name="InMemory", **changes):
        self.metadata = metadata(name, **changes)
        super().__init__()
        random = np.random.default_rng(0)
        self.relevance = {f"q{at}": {f"d{at}": 2, f"d{(at + 1 + random.integers(NUM - 1)) % NUM}": 1} for at in range(NUM)}
        self.sides = queries, corpus

    def load_data(self, **_):
        queries, corpus = self.sides
        split = {"queries": queries, "corpus": corpus, "relevant_docs": {**self.relevance}, "top_ranked": None}
        self.dataset = {"default": {"test": split}}
        self.data_loaded = True


def rows(side, **columns):
    return Dataset.from_dict({"id": [f"{side}{at}" for at in range(NUM)], **columns})


def pictures(shades, change=0):
    cells = [Pillow.fromarray(np.full((4, 4, 3), shade + change, dtype=np.uint8)) for shade in shades]
    return [{"bytes": png(cell), "path": None} for cell in cells]


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


TEXTS = [f"word {at * 7919 % 1000}" for at in range(NUM)]
SHADES = list(range(5, 5 + 7 * NUM, 7))


def run(suite, folder, encoder=None, cache=None):
    return suite.evaluate(encoder or FakeEncoder(), folder, Console(file=io.StringIO(), width=120), cache)


class Brightness(AbsTaskClassification):
    """Dark or bright: images, no sides, no text."""

    metadata = metadata("Brightness", type="ImageClassification", category="i2c", modalities=["image"], main_score="accuracy")
    input_column_name = "image"

    def load_data(self, **_):
        half = {"image": pictures(SHADES), "label": [int(shade > 90) for shade in SHADES]}
        self.dataset = {
            "train": Dataset.from_dict(half).cast_column("image", Image()),
            "test": Dataset.from_dict(half).cast_column("image", Image()),
        }
        self.data_loaded = True


def of_name(name, mark="", **changes):
    """Returns a class of tasks that takes no arguments, as mteb makes those of its registry: words to words with a mark behind each."""

    class Named(InMemory):
        def __init__(self, **_):
            super().__init__(rows("q", text=TEXTS), rows("d", text=[text + mark for text in TEXTS]), name, **changes)

        def filter_languages(self, *_, **__):
            return self

    Named.metadata = metadata(name, **changes)
    return Named
