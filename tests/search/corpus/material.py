"""Corpora to embed, by a fake encoder that tells what it was used for."""

import csv
import json
import multiprocessing
import os
import time

import numpy as np
from PIL import Image

from tests.fake_encoder import FakeEncoder
from unite.config.schema.embed import CorpusOptions
from unite.search.corpus.embed import embed_corpus
from unite.search.corpus.encoder import CorpusEncoder
from unite.search.corpus.stored import StoredCorpus

#: Started once, with what every process imports.
PROCESSES = multiprocessing.get_context("forkserver")


def picture(path, brightness):
    """A PNG of one colour: what is embedded of it follows from its brightness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 60, 3), brightness, np.uint8)).save(path)
    return path


def table(path, texts, **columns):
    """A CSV file of texts and further columns."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", *columns])
        writer.writerows([f"row {at}", text, *(values[at] for values in columns.values())] for at, text in enumerate(texts))
    return path


def a_moment_later(path):
    """Gives a file another time of change."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


class Embedding:
    """Embeds corpora into one folder; each call is by an encoder of its own.

    Attributes:
        encoder: of the last call.
        outcome: of the last call.
    """

    def __init__(self, out, **options):
        self.out, self.options = out, options

    def __call__(self, corpus, columns=None, dim=16, state="", ray_workers=0, **options):
        self.loaded = 0
        self.encoder = FakeEncoder(dim)

        def load():
            self.loaded += 1
            return self.encoder

        of_corpus = CorpusEncoder("runs/fake", "fake", load, state)
        self.outcome = embed_corpus(corpus, self.out, of_corpus, CorpusOptions(**self.options | options), columns, ray_workers=ray_workers)
        return self.outcome

    @property
    def num_embedded(self):
        """Contents that the encoder was given in the last call, beside those by which its own reading is told."""
        return sum(shape[0] for shape in self.encoder.shapes)

    @property
    def stored(self):
        return StoredCorpus(self.out)

    def rows(self):
        """Id -> row, with its vector."""
        stored = self.stored
        read = stored.read(stored.schema.names)
        return {row["id"]: row for row in read.to_pylist()}

    def skipped(self):
        path = self.out / "skipped.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return {line["id"]: line["reason"] for line in map(json.loads, lines)}


class ToldEncoder(FakeEncoder):
    """Writes a line to a file for every content that it embedded, and takes its time."""

    def __init__(self, log, seconds):
        super().__init__()
        self._log, self._seconds = log, seconds

    def forward(self, micro_batch):
        time.sleep(self._seconds)
        embeddings = super().forward(micro_batch)
        with open(self._log, "a") as file:  # noqa: PTH123
            file.write("\n" * len(embeddings))
        return embeddings


def embed_slowly(corpus, out, log, seconds=0.05, **options):
    """Embeds a corpus in a process that is to be killed: few rows a part, and each a micro-batch."""
    encoder = CorpusEncoder("runs/fake", "fake", lambda: ToldEncoder(log, seconds))
    embed_corpus(str(corpus), out, encoder, CorpusOptions(token_budget=1, rows_per_part=3, **options))
