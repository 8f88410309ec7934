"""The datasheet of a curated set: what came in, what each step left out and why, and what the set holds.

It follows from the set and the plan alone: no clock, no machine, so two runs of one plan give equal sheets. The questions are those of
"Datasheets for Datasets" (Gebru et al., arXiv 1803.09010) that a program can answer: composition, collection, preprocessing, licences.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unite import __version__
from unite.curation.languages import is_sampled, languages_of
from unite.curation.pack import ROWS_SUFFIX
from unite.data.index import INDEX_SUFFIX, ShardIndex
from unite.errors import DataError
from unite.files import read_lines
from unite.media import kind_of
from unite.media.picture import NEARLY_UNIFORM
from unite.types import Modality

_LIBRARIES = ("av", "datasketch", "icu4py", "numpy", "pillow", "py3langid", "webdataset")
#: The licence of a row that has none.
NOT_STATED = "not stated"
_NUM_BINS = 24
#: Nearly uniform images that the sheet names.
_NUM_NAMED = 20


@dataclass
class _Folder:
    """Counts of one source and modality pair."""

    rows: int = 0
    num_bytes: int = 0
    shards: list[str] = field(default_factory=list)


@dataclass
class _Tally:
    """What is counted while the rows go by."""

    pairs: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    values: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    totals: Counter[str] = field(default_factory=Counter)
    uniform: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def row(self, line: Mapping[str, Any]) -> None:
        self.pairs[line["pair"]] += 1
        self.licences[line.get("licence", NOT_STATED)] += 1
        self.totals["rows"] += 1
        self.totals["negatives"] += line["negatives"]
        self.totals["merged_negatives"] += line.get("merged_negatives", 0)
        self.totals["extra_positives"] += line["positives"] - 1
        for side, words in zip(("query", "positive"), line["words"], strict=True):
            if words:
                self.values[f"{side}_words"].append(words)
        for medium in line["media"]:
            self._medium(medium)
            if medium.get("contrast", NEARLY_UNIFORM) < NEARLY_UNIFORM:
                self.uniform.append(_named(line, medium))
            if "remark" in medium:
                self.remarks.append(f"{_named(line, medium)} {medium['remark']}")

    def _medium(self, medium: Mapping[str, Any]) -> None:
        kind = medium["modality"]
        self.totals[f"{kind}s"] += 1
        self.totals[f"{kind}_bytes_in"] += medium["num_bytes"]
        self.totals[f"{kind}_bytes_stored"] += medium["stored_bytes"]
        self.totals[f"{kind}s_resized"] += medium.get("size") != medium.get("stored_size")
        for measure in kind_of(Modality.parse(kind)).measures:
            self.values[f"{kind}_{measure.name}"].append(measure.of(medium))


def _named(line: Mapping[str, Any], medium: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (f"{line['source']}/{line['key']}", medium["from"])))


def make_datasheet(
    out: Path,
    shards: Sequence[Path],
    funnel: Sequence[Mapping[str, Any]],
    sources: Mapping[str, Sequence[Mapping[str, Any]]],
    plan: Mapping[str, Any],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the datasheet as JSON values.

    Args:
        out: the folder of the set.
        shards: its shards, in order.
        funnel: of `Funnel.steps`, all sources together.
        sources: the same of each source.
        plan: recipes with their fingerprints, steps, media, seed.
        config: the resolved config of the run.
    """
    tally, folders = _Tally(), defaultdict[str, _Folder](_Folder)
    checksums = {}
    num_rows: Counter[str] = Counter()
    for path in shards:
        index = ShardIndex.load(path.with_name(path.name + INDEX_SUFFIX))
        if index is None:
            raise DataError(f"the index of {path} cannot be read. Remove the shard and run the curation again.")
        name = path.relative_to(out).as_posix()
        checksums[name] = index.sha256
        folder = folders[path.parent.relative_to(out).as_posix()]
        folder.rows += len(index.samples)
        folder.num_bytes += index.num_bytes
        folder.shards.append(index.sha256)
        num_rows[path.relative_to(out).parts[0]] += len(index.samples)
    passed: Counter[str] = Counter()
    texts = defaultdict[str, list[str]](list)
    for path in shards:
        for line in read_lines(path.with_suffix(ROWS_SUFFIX)):
            tally.row(line)
            source = line["source"]
            if is_sampled(passed[source], num_rows[source]):
                texts[source] += line["texts"]
            passed[source] += 1
    return {
        "totals": {**tally.totals, "shards": len(shards), "bytes": sum(folder.num_bytes for folder in folders.values())},
        "funnel": list(funnel),
        "sources": {name: {"in": steps[0]["in"], "out": steps[-1]["out"], "funnel": list(steps)} for name, steps in sources.items()},
        "folders": {
            name: {
                "rows": folder.rows,
                "shards": len(folder.shards),
                "bytes": folder.num_bytes,
                "checksum": sha256("".join(folder.shards).encode()).hexdigest(),
            }
            for name, folder in folders.items()
        },
        "pairs": dict(tally.pairs.most_common()),
        "licences": dict(tally.licences.most_common()),
        "duplicates": _duplicates(funnel),
        "languages": {name: languages_of(texts[name]) for name in sources},
        "nearly_uniform": {"images": len(tally.uniform), "first": tally.uniform[:_NUM_NAMED]},
        "not_whole": {"media": len(tally.remarks), "first": tally.remarks[:_NUM_NAMED]},
        "distributions": {name: distribution(values) for name, values in sorted(tally.values.items())},
        "checksum": sha256("".join(checksums.values()).encode()).hexdigest(),
        "checksums": checksums,
        "plan": dict(plan),
        "config": dict(config),
        "versions": {"unite": __version__, **{name: version(name) for name in _LIBRARIES}},
    }


def distribution(values: ArrayLike) -> dict[str, Any]:
    """Returns quantiles and a histogram; the bins are even in logarithm where the values span more than a factor of 20.

    `edges` has one more entry than `counts`; the last bin includes its upper edge. One value alone is one bin without width.
    """
    array = np.asarray(values, np.float64)
    low, high = float(array.min()), float(array.max())
    whole = bool((array == array.round()).all())
    if low == high:
        edges = np.array([low, low])
    elif whole and high - low < _NUM_BINS:
        edges = np.arange(low, high + 2) - 0.5
    elif low > 0 and high > 20 * low:
        edges = np.geomspace(low, high, _NUM_BINS + 1)
    else:
        edges = np.linspace(low, high, _NUM_BINS + 1)
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)  # rounding must not lose the ends
    counts = np.histogram(array, edges)[0] if low < high else np.array([len(array)])
    five, half, ninety_five = np.quantile(array, [0.05, 0.5, 0.95]).tolist()
    summary = {"min": low, "p5": five, "median": half, "p95": ninety_five, "max": high, "mean": float(array.mean())}
    return {
        "count": len(array),
        **{name: float(f"{value:.6g}") for name, value in summary.items()},
        "edges": [float(f"{edge:.6g}") for edge in edges],
        "counts": counts.tolist(),
    }


def _duplicates(funnel: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Returns the rows left out as duplicates, by step and reason."""
    return {
        f"{step['step']}: {reason}": count
        for step in funnel
        for reason, count in step["dropped"].items()
        if "duplicate" in reason or "evaluation" in reason
    }
