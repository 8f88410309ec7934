"""Small files in the layouts of the recipes, and all rows of a recipe."""

import json
import pickle

import pyarrow as pa
import pyarrow.parquet as pq

from tests.written import write_tar
from unite.curation.recipes.text_pairs import TextPairs
from unite.errors import SkippedRowError


def read_all(recipe):
    """All rows, read by a copy that went to another process; a row that is left out as its reason."""
    there = pickle.loads(pickle.dumps(recipe))
    assert len(there) == len(recipe) and there.fingerprint() == recipe.fingerprint()
    found = []
    for at in reversed(range(len(there))):  # by position, in any order
        try:
            found.append(there.read(at))
        except SkippedRowError as error:
            found.append(error.reason)
    return found[::-1]


def paths(content):
    return [medium.path for medium in content.media]


def json_file(path, value):
    path.write_text(json.dumps(value))
    return path


def json_lines(path, values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def parquet(path, values, **options):
    pq.write_table(pa.Table.from_pylist(values), path, **options)
    return path


def tar(path, members):
    return write_tar(path, members.items())


def read_texts(recipe):
    """(query, positive) texts of every row, or `reason: detail`."""
    there, found = pickle.loads(pickle.dumps(recipe)), []
    for at in range(len(there)):
        try:
            row = there.read(at)
            found.append((row.query.text, row.positives[0].text))
        except SkippedRowError as error:
            found.append(str(error))
    return found


def text_pairs(folder, name, data):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return TextPairs("t", path)


def json_line(*values):
    return json.dumps(dict(zip(("anchor", "positive"), values, strict=False)))
