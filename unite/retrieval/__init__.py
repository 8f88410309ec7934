"""Embeddings to hits: exact ranking, chunked, on CPU or GPU.

    queries (Q, D), candidates (C, D)  ->  search  ->  scores (Q, k), indices (Q, k)
                                       ->  ranks   ->  the rank of each named candidate

One rule for ties everywhere: of equal scores, the candidate with the lower index comes first.
"""
