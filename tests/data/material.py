"""Rows and shards for the tests of data."""

from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardWriter
from unite.types import Modality


def row(at: int) -> Row:
    picture = StoredMedium(Modality.IMAGE, bytes([at]) * 700, "png")
    return Row(
        f"{at:06d}",
        StoredContent(text=f"query {at} é", instruction="find it", group="g"),
        (StoredContent(text="a <|IMAGE|>", media=(picture,)),),
        (StoredContent(media=(picture, StoredMedium(Modality.VIDEO, b"v" * at, "mp4"))),),
    )


def write(folder, count=5, per_shard=2):
    with ShardWriter(folder, per_shard) as writer:
        for at in range(count):
            writer.write(row(at))
    return writer.paths
