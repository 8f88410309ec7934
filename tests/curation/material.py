"""Rows and small collections for the tests of curation."""

import csv

import numpy as np

from unite.config.schema.media import MediaPolicy
from unite.curation.loaded import LoadedRow, medium_loader
from unite.curation.raw import RawContent, RawRow
from unite.curation.signatures import Signatures, sign_row
from unite.curation.steps.step import Collection
from unite.errors import SkippedRowError


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
        sides.append(sign_row(one.store(), [one.query.greys(), one.positives[0].greys()]))
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
