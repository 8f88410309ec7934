"""What is known of an index, kept beside the table that it lies in: `index.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from unite.config.schema.index import IndexKind
from unite.errors import DataError, must_be
from unite.search.corpus.facts import CorpusFacts
from unite.search.corpus.place import Place

RECORD = "index.json"
#: Changes where the record does.
FORMAT = 1
#: Recall@10 below which it is said what to do.
_LOW_RECALL = 0.9
_AGAIN = "Build it again: python -m unite.index corpus={}."


@dataclass(frozen=True)
class IndexRecord:
    """What an index was built with, and what it is worth.

    Attributes:
        kind: how the nearest vectors are found; not `auto`.
        refine_factor, probes: of a query, as of `IndexOptions`.
        rows: of the corpus when it was built.
        encoder_fingerprint, prompt_fingerprint: of the corpus then, as its facts tell them.
        recall_at_10: share of the 10 nearest that a query finds, on a sample of rows as queries; 1 of an exact one.
        sample: how many rows it was measured on.
        milliseconds: that a query of the sample took, the median.
        seconds: that building took.
        full_text: whether the texts are indexed.
    """

    kind: IndexKind
    refine_factor: int
    probes: int | None
    rows: int
    encoder_fingerprint: str
    prompt_fingerprint: str
    recall_at_10: float
    sample: int
    milliseconds: float
    seconds: float
    full_text: bool

    def told(self, folder: str | Place) -> list[str]:
        """Returns lines for whoever built it."""
        how = f"{self.kind}, {self.milliseconds:.1f} ms a query, built in {self.seconds:.1f} s"
        lines = [f"The index of {self.rows:,} rows is in {folder}: {how}."]
        if self.kind is IndexKind.exact:
            return [*lines, "Every query is compared with all vectors, so it misses none."]
        worth = f"Recall@10 against an exact search: {self.recall_at_10:.3f}, of {self.sample} rows as queries."
        if self.recall_at_10 < _LOW_RECALL:
            worth += f" It is low: raise refine_factor above {self.refine_factor}, or take kind=exact."
        return [*lines, worth]

    def check_made_of(self, facts: CorpusFacts, folder: Place) -> None:
        """Raises DataError if it was built over vectors of another encoder than those that the corpus has now."""
        for what, built, now in (
            ("the encoder of the index", self.encoder_fingerprint, facts.encoder_fingerprint),
            ("the prompt of the index", self.prompt_fingerprint, facts.prompt_fingerprint),
        ):
            if built != now:
                raise DataError(must_be(f"{what} in {folder}", f"that of its corpus, {now}", built, _AGAIN.format(folder)))


def write_record(folder: Place, record: IndexRecord) -> None:
    """Writes the record, whole or not at all."""
    (folder / RECORD).write_json({"format": FORMAT, **asdict(record)})


def read_record(folder: Place) -> IndexRecord | None:
    """Returns the record of the index in a corpus's folder; None where none was built.

    Raises:
        DataError: if it is damaged, or of another version.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    told = path.read_json(_AGAIN.format(folder))
    if told.get("format") != FORMAT:
        raise DataError(must_be(f"the format of {path}", str(FORMAT), told.get("format"), _AGAIN.format(folder)))
    try:
        record = IndexRecord(**{field.name: told[field.name] for field in fields(IndexRecord)})
        return IndexRecord(**{**vars(record), "kind": IndexKind(record.kind)})
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} is damaged ({error!r}). {_AGAIN.format(folder)}") from error
