"""Shards to batches.

    shards -> row -> decode -> Example -> collate -> Batch
                 order and mixture say which row comes when

`rows` and `shards` are the format on disk, `source` is one pair of modalities, `mixture` blends sources.
"""
