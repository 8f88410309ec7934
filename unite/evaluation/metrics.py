"""The metrics that a task may name, of one query, from the ranks of its relevant candidates; their means with intervals, and chance.

    recall@k        the share of the relevant candidates among the k best
    hit@k           1 if a relevant candidate is among the k best, else 0; what the field's caption benchmarks call R@k
    mrr, mrr@k      1 / rank of the best relevant candidate, 0 if it is not among the k best
    ndcg, ndcg@k    the discounted cumulative gain of the k best over that of the ideal ranking
    map, map@k      the mean, over the relevant candidates, of the precision at their ranks; those behind k count 0

    precision@k             the share of the k best that are relevant
    f1@k                    the harmonic mean of precision@k and recall@k
    ndcg_linear@k           ndcg@k, by the name that MMEB-V2 has for it
    ndcg_exponential@k      the same with gain 2^grade - 1
    map_capped@k            as map@k, the mean over at most k relevant candidates: what MMEB-V2's files call map@k

k is any number from 1; without it, and where there are fewer candidates, the whole ranking is looked at.

Everything that the metrics need of a ranking is where the relevant candidates stand in it, so that is what they take: (R,) ranks from 1, in
any order, with (R,) grades above 0. The first five equal trec_eval's `recall_k`, `success_k`, `recip_rank`, `ndcg_cut_k` and `map`, and
precision@k its `P_k`; the last four are defined as in `src/utils/eval_utils/metrics.py` of TIGER-AI-Lab/VLM2Vec.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unite.errors import ConfigError, DataError, must_be, must_be_one_of

#: The names above, without their k.
METRICS = ("recall", "hit", "mrr", "ndcg", "map", "precision", "f1", "ndcg_linear", "ndcg_exponential", "map_capped")
#: Those that may be asked of the whole ranking.
_WITHOUT_K = ("mrr", "ndcg", "map")
#: The rank of a relevant candidate that is not in the ranking: behind every k, and worth nothing in any metric.
NOT_RETRIEVED = 2**62
_NAME = re.compile(r"(?P<family>[a-z_]+1?)(?:@(?P<k>\d+))?")


@dataclass(frozen=True)
class Judged:
    """Where the R relevant candidates of one query stand.

    Attributes:
        ranks: (R,) from 1.
        grades: (R,) how relevant each is, above 0; 1 where relevance is yes or no.
    """

    ranks: tuple[int, ...]
    grades: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.ranks or len(self.ranks) != len(self.grades):
            actual = f"{len(self.ranks)} ranks and {len(self.grades)} grades"
            raise DataError(must_be("the judged candidates of a query", "at least one, with a rank and a grade each", actual))
        if min(self.ranks) < 1 or min(self.grades) < 1:
            raise DataError(must_be("ranks and grades", "at least 1", (min(self.ranks), min(self.grades))))


def judge(scores: Mapping[str, float], relevance: Mapping[str, int]) -> Judged:
    """Ranks candidates by score and returns where the relevant ones stand.

    As trec_eval does: scores are compared in float32, and of equal scores the id that sorts last as a string comes first.
    A relevant candidate without a score stands behind all that could ever be retrieved.
    """
    order = sorted(scores, key=lambda name: (np.float32(scores[name]), name), reverse=True)
    place = {name: rank for rank, name in enumerate(order, start=1)}
    relevant = {name: grade for name, grade in relevance.items() if grade > 0}
    return Judged(tuple(place.get(name, NOT_RETRIEVED) for name in relevant), tuple(relevant.values()))


def recall(judged: Judged, k: int) -> float:
    """Returns the share of the relevant candidates among the k best."""
    return hits(judged, k) / len(judged.ranks)


def hit(judged: Judged, k: int) -> float:
    """Returns 1 if a relevant candidate is among the k best, else 0. With one relevant candidate it equals recall@k.

    Image-text benchmarks with several captions an image call this R@k.
    """
    return float(hits(judged, k) > 0)


def mrr(judged: Judged, k: int = NOT_RETRIEVED - 1) -> float:
    """Returns 1 / rank of the best relevant candidate, 0 if it is not among the k best."""
    best = min(judged.ranks)
    return 1 / best if best <= k else 0.0


def ndcg(judged: Judged, k: int = NOT_RETRIEVED - 1) -> float:
    """Returns the discounted cumulative gain of the k best over that of the ideal ranking.

    The gain is the grade itself and the discount log2(rank + 1) (Järvelin & Kekäläinen 2002, as trec_eval has it).
    """
    return _ndcg(judged.ranks, judged.grades, k)


def ndcg_exponential(judged: Judged, k: int) -> float:
    """Returns the same with gain 2^grade - 1 (Burges et al. 2005)."""
    highest = max(judged.grades)
    # Divided by 2^highest, which changes no digit of the quotient: the gain of a large grade is no number of a computer's.
    return _ndcg(judged.ranks, [math.ldexp(1, grade - highest) - math.ldexp(1, -highest) for grade in judged.grades], k)


def average_precision(judged: Judged, k: int = NOT_RETRIEVED - 1) -> float:
    """Returns the mean, over the relevant candidates, of the precision at their ranks; those behind k count 0. Its mean is MAP."""
    retrieved = sorted(rank for rank in judged.ranks if rank <= k)
    return sum(place / rank for place, rank in enumerate(retrieved, start=1)) / len(judged.ranks)


def average_precision_capped(judged: Judged, k: int) -> float:
    """Returns the same with the divisor min(R, k): k places cannot show more than k. Its mean is what MMEB-V2 calls map@k."""
    return average_precision(judged, k) * len(judged.ranks) / min(len(judged.ranks), k)


def precision(judged: Judged, k: int) -> float:
    """Returns the share of the k best that are relevant; a pool of fewer than k candidates is taken as filled up with others."""
    return hits(judged, k) / k


def f1(judged: Judged, k: int) -> float:
    """Returns the harmonic mean of precision and recall at k: twice the hits, over k and R together."""
    return 2 * hits(judged, k) / (k + len(judged.ranks))


def hits(judged: Judged, k: int) -> int:
    """Returns how many relevant candidates are among the k best."""
    return sum(rank <= k for rank in judged.ranks)


def parse_metric(name: str) -> tuple[str, int | None]:
    """Splits `recall@10` into family and k; k is None where the name has none.

    Raises:
        ConfigError: if the family is unknown, k is 0, or one that needs a k has none.
    """
    match = _NAME.fullmatch(name)
    if match is None or match["family"] not in METRICS:
        raise ConfigError(must_be_one_of("a metric", METRICS, name.partition("@")[0], f"It was read from {name!r}."))
    family, k = match["family"], None if match["k"] is None else int(match["k"])
    if k == 0 or (k is None and family not in _WITHOUT_K):
        raise ConfigError(must_be("a metric", f"written with a k of at least 1, as {family}@10", name))
    return family, k


def per_query(name: str, judged: Iterable[Judged]) -> NDArray[np.float64]:
    """Returns (Q,) values of the metric `name` (`recall@10`, `mrr`, ...), one for each query."""
    family, k = parse_metric(name)
    return np.array([_OF_FAMILY[family](query, NOT_RETRIEVED - 1 if k is None else k) for query in judged], dtype=np.float64)


def _ndcg(ranks: Sequence[int], gains: Sequence[float], k: int) -> float:
    gained = sum(gain / math.log2(rank + 1) for rank, gain in zip(ranks, gains, strict=True) if rank <= k)
    best = sorted(gains, reverse=True)[:k]
    return gained / sum(gain / math.log2(rank + 1) for rank, gain in enumerate(best, start=1))


_OF_FAMILY: dict[str, Callable[[Judged, int], float]] = {
    "recall": recall,
    "hit": hit,
    "mrr": mrr,
    "ndcg": ndcg,
    "map": average_precision,
    "precision": precision,
    "f1": f1,
    "ndcg_linear": ndcg,
    "ndcg_exponential": ndcg_exponential,
    "map_capped": average_precision_capped,
}


def chance_of(name: str, num_relevant: int, pool: int) -> float | None:
    """Returns what a random ranking is expected to reach in recall@k, k / pool, or hit@k; None of other metrics.

    Args:
        name: of the metric.
        num_relevant: R, how many of the pool are relevant to the query.
        pool: how many candidates there are.
    """
    family, k = parse_metric(name)
    if k is None or family not in ("recall", "hit"):
        return None
    if family == "recall":
        return min(k, pool) / pool
    return 1 - math.comb(pool - num_relevant, min(k, pool)) / math.comb(pool, min(k, pool))


def largest_k(names: Sequence[str]) -> int:
    """Returns the largest k that the metrics ask for, 1 if none has a k."""
    return max((parse_metric(name)[1] or 1 for name in names), default=1)
