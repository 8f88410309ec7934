"""What a curation found of the faults of a dirty collection, see `unite.curation.dirt`: rows left out rightly and wrongly, by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unite.curation.dirt import CLEAN
from unite.curation.set_folder import DATASHEET, SKIPPED
from unite.errors import DataError, must_be
from unite.files import read_json, read_lines


@dataclass(frozen=True)
class Found:
    """Rows of a dirty collection by what became of them.

    Attributes:
        left_out: (step, fault) -> rows that the step left out.
        kept: fault -> rows in the set; `clean` among them.
    """

    left_out: Counter[tuple[str, str]]
    kept: Counter[str]

    def num_left_out(self, fault: str, step: str = "") -> int:
        """Returns how many rows of a fault were left out, by one step or by any."""
        return sum(num for (by, what), num in self.left_out.items() if what == fault and step in ("", by))

    @property
    def wrongly(self) -> int:
        """Clean rows that were left out."""
        return self.num_left_out(CLEAN)

    @property
    def rightly(self) -> int:
        """Rows with a fault that were left out."""
        return self.left_out.total() - self.wrongly

    @property
    def precision(self) -> float:
        """Share of the rows left out that have a fault; 1 where none was left out."""
        return self.rightly / self.left_out.total() if self.left_out else 1.0

    @property
    def recall(self) -> float:
        """Share of the rows with a fault that were left out; 1 where there are none."""
        kept = self.kept.total() - self.kept[CLEAN]
        return self.rightly / (self.rightly + kept) if self.rightly + kept else 1.0


def read_faults(folder: Path) -> list[str]:
    """Returns the fault of each record of a folder that `write_dirty` wrote."""
    return [line["fault"] for line in read_lines(folder / "truth.jsonl")]


def found_in(out: Path, faults: Sequence[str]) -> Found:
    """Returns what became of each record.

    Args:
        out: the folder of a finished set, of the dirty collection alone.
        faults: of each record, as `read_faults` gives them.

    Raises:
        DataError: if the set was not made of so many records.
    """
    num_rows = read_json(out / DATASHEET)["funnel"][0]["in"]
    if num_rows != len(faults):
        raise DataError(
            must_be(f"the records of {out}", f"those of truth.jsonl ({len(faults)})", num_rows, "Curate the dirty table alone.")
        )
    left_out, kept = Counter[tuple[str, str]](), Counter(faults)
    for line in read_lines(out / SKIPPED):
        fault = faults[line["record"]]
        left_out[line["step"], fault] += 1
        kept[fault] -= 1
    return Found(left_out, +kept)
