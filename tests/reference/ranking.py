"""Metrics of MMEB-V2's files, read off a whole ranked list by their definitions, one place at a time."""

from math import log2


def metrics_of(ranking, grades, k):
    """`ranking`: names, best first; `grades`: relevant name -> grade above 0. Returns the file's names without their k."""
    shown = ranking[:k]
    right = [name in grades for name in shown]
    found = sum(right)
    precision, recall = found / k, found / len(grades)
    precisions = [sum(right[: place + 1]) / (place + 1) for place in range(len(shown)) if right[place]]
    first = next((place for place, is_right in enumerate(right, start=1) if is_right), None)

    def ndcg(gain):
        def total(names):
            return sum(gain(grades.get(name, 0)) / log2(place + 1) for place, name in enumerate(names, start=1))

        ideal = sorted(grades, key=grades.get, reverse=True)[:k]
        return total(shown) / total(ideal)

    return {
        "hit": 1.0 if found else 0.0,
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if found else 0.0,
        "map": sum(precisions) / min(len(grades), k),
        "mrr": 1 / first if first else 0.0,
        "ndcg_linear": ndcg(lambda grade: grade),
        "ndcg_exponential": ndcg(lambda grade: 2**grade - 1),
    }
