"""Embeddings, an index over them, hits: from a trained encoder to something that people use.

    folders, tables, shards -> corpus -> stored corpus (vectors, thumbnails, metadata) -> index -> hits -> page, API

A stored corpus knows the encoder that made its vectors; another encoder is refused.
"""
