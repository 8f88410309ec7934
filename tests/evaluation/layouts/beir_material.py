"""Small repositories in BEIR's form, written by the library that wrote the published ones."""

import io

import numpy as np
from datasets import Dataset, Features, Image, Value
from PIL import Image as Picture


def picture(number):
    """A page as bright as 20 times its number, as `material.write_image` paints it."""
    file = io.BytesIO()
    Picture.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": f"page_{number}.png"}


def write_config(folder, config, rows, split="test", num_shards=1, ids="int64", **types):
    """Writes the rows of a config as shards. `types`: of columns that are neither ids, nor pictures, nor texts."""
    known = {"query-id": Value(ids), "corpus-id": Value(ids), "image": Image(), "score": Value("int64")}
    columns = list(rows[0])
    features = Features({name: Value(types[name]) if name in types else known.get(name, Value("string")) for name in columns})
    (folder / config).mkdir(parents=True, exist_ok=True)
    for old in (folder / config).glob(f"{split}-*"):
        old.unlink()
    for shard in range(num_shards):
        part = rows[shard * len(rows) // num_shards : (shard + 1) * len(rows) // num_shards]
        data = Dataset.from_dict({name: [row[name] for row in part] for name in columns}, features=features)
        data.to_parquet(folder / config / f"{split}-{shard:05d}-of-{num_shards:05d}.parquet", batch_size=4)


def write_repository(folder, num=12, split="test", ids="int64", name=int):
    """Query `i` asks for page `i`, graded 2, and for the next, graded 1. Pages are of two shards, in row groups of four.

    `name`: makes an id of a number.
    """
    queries = [{"query-id": name(100 + at), "query": f"Where is {at}?", "language": "french" if at % 3 else "english"} for at in range(num)]
    qrels = [{"query-id": name(100 + at), "corpus-id": name(at), "score": 2} for at in range(num)]
    qrels += [{"query-id": name(100 + at), "corpus-id": name((at + 1) % num), "score": 1} for at in range(num)]
    qrels += [{"query-id": name(100), "corpus-id": name(0), "score": 1}, {"query-id": name(100), "corpus-id": name(5), "score": 0}]
    pages = [{"corpus-id": name(at), "image": picture(at), "doc-id": f"report {at // 4}"} for at in range(num)]
    write_config(folder, "queries", queries, split, ids=ids)
    write_config(folder, "qrels", qrels, split, ids=ids)
    write_config(folder, "corpus", pages, split, num_shards=2, ids=ids)
    return queries, qrels, pages
