"""What made a stored corpus, as it is kept in its folder: `corpus.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from unite.config.schema.vectors import Vectors
from unite.errors import DataError, must_be
from unite.search.corpus.place import Place

FACTS = "corpus.json"
#: Changes where the layout of a stored corpus does.
FORMAT = 1


@dataclass(frozen=True)
class CorpusFacts:
    """What made a corpus.

    Attributes:
        encoder: what a person calls the encoder (`unite.checkpoints.checkpoint_label`).
        checkpoint: its address, as it was given.
        encoder_fingerprint, prompt_fingerprint: of `unite.embedding.fingerprints`, as 16 hexadecimal digits.
        checkpoint_state: by which the checkpoint's files are known to be the same without being read; "" of none.
        dim: D of an embedding.
        vectors: how they are kept.
        instruction: what every content was embedded with.
        embedded: of a row with a text and media, `both` or the `media` alone.
        decoding: how media were decoded, the options by name.
        sources: the addresses of what is in it, as they were given.
        rows: how many there are.
        is_whole: whether the last call that wrote to it came to its end.
        recall_at_10: share of the 10 nearest by float32 vectors that those that are kept find too, on a sample; None where not measured.
    """

    encoder: str
    checkpoint: str
    encoder_fingerprint: str
    prompt_fingerprint: str
    dim: int
    vectors: Vectors = Vectors.float32
    checkpoint_state: str = ""
    instruction: str = ""
    embedded: str = "both"
    decoding: Mapping[str, Any] = field(default_factory=dict)
    sources: Sequence[str] = ()
    rows: int = 0
    is_whole: bool = False
    recall_at_10: float | None = None


def hexadecimal(fingerprint: int) -> str:
    """Returns a fingerprint as the facts tell it."""
    return f"{fingerprint:016x}"


def read_facts(folder: Place) -> CorpusFacts:
    """Reads what made the corpus in a folder. Raises DataError if there is none, or it is of another version or damaged."""
    path = folder / FACTS
    if not path.is_file():
        hint = f"Make one: python -m unite.embed corpus=... checkpoint=... out={folder}."
        raise DataError(must_be("the corpus", f"a folder with {FACTS}", str(folder), hint))
    told = path.read_json("Make the corpus again in another folder.")
    if told.get("format") != FORMAT:
        hint = "Make it again in another folder, or take the version of unite that made it."
        raise DataError(must_be(f"the format of {path}", str(FORMAT), told.get("format"), hint))
    try:
        known = {field.name for field in fields(CorpusFacts)}
        facts = CorpusFacts(**{name: value for name, value in told.items() if name in known})
        return replace(facts, vectors=Vectors(facts.vectors))
    except (TypeError, ValueError) as error:
        raise DataError(f"{path} is damaged ({error}). Make the corpus again in another folder.") from error


def write_facts(folder: Place, facts: CorpusFacts) -> None:
    """Writes what made a corpus, whole or not at all."""
    (folder / FACTS).write_json({"format": FORMAT, **asdict(facts)})
