"""The index over a stored corpus: the nearest of its vectors, its texts by words, or both; some of its rows or all.

    index = Index("corpora/birds")
    hits = index.search(vector, where="price < 5", k=10)          # by meaning
    hits = index.search(words="red kite")                         # by words
    hits = index.search(vector, "red kite", offset=10)            # both rankings fused, the second page

    vector, words -> rankings (exact | approximate, words) -> fused -> page -> hits

Vectors of up to some 100,000 rows are compared one and all, in memory; above that LanceDB's index picks those that are compared
(`python -m unite.index`, or `build_index`). `unite.search.searcher` is what takes texts, pictures and clips.
"""

from unite.search.index.build import build_index
from unite.search.index.index import Index
from unite.search.index.near_duplicates import NearDuplicate, near_duplicates

__all__ = ["Index", "NearDuplicate", "build_index", "near_duplicates"]
