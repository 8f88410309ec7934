"""Contents to vectors: equal ones once, cached ones not at all, shared among the ranks that work together.

    contents, not decoded yet -> embed_contents -> (N, D)         in one process, streaming
                                 embed_sharded                    each rank its part

Training's evaluation, curation's steps over embeddings and whoever wants vectors (`Embedder`) go through here. Importing it
imports no transformers: `Embedder` does when it loads its checkpoint.
"""

from unite.embedding.embedder import Embedder

__all__ = ["Embedder"]
