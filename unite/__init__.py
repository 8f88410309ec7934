"""unite: universal multimodal embeddings, from curated data to an evaluated encoder.

    raw rows -> curation -> shards -> sample -> batch -> embeddings -> loss          training
                                                         embeddings -> ranking -> metrics -> report   evaluation

Importing this package imports no torch: entry points answer `--help` and config errors at once.
"""

__version__ = "0.1.0"
