"""Means by modality of a leaderboard's file, found as the benchmark's own report finds them: one number after another."""

#: What each modality is told by.
MAIN = {"image": "hit@1", "video": "hit@1", "visdoc": "ndcg_linear@5"}


def report(file, datasets):
    """`datasets`: modality -> names in the file. Returns modality -> (mean of what is there, names without a number)."""
    found = {}
    for modality, names in datasets.items():
        values, missing = [], []
        for name in names:
            scores = file["metrics"].get(modality, {}).get(name)
            value = scores.get(MAIN[modality]) if isinstance(scores, dict) else None
            if isinstance(value, int | float):
                values.append(value)
            else:
                missing.append(name)
        found[modality] = (sum(values) / len(values) if values else None, missing)
    return found


def overall(file, datasets):
    """The mean over all datasets, each weighing the same."""
    values = [file["metrics"][modality][name][MAIN[modality]] for modality, names in datasets.items() for name in names]
    return sum(values) / len(values)
