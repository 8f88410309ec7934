"""Embeds a corpus, and brings a stored one up to date: what is new or changed is embedded, what is gone is dropped, the rest stays.

    survey (every row's id, size, time of change) -> plan -> parts, on every rank -> the table, by the first rank

Killed at any moment, the next call does what is left. All ranks of the default process group must call it; they share the folder `out`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unite.config.schema.embed import ColumnsConfig, CorpusFormat, CorpusOptions
from unite.config.schema.vectors import Vectors
from unite.curation.recipes.captioned_folder import UNREADABLE
from unite.embedding.embed import Encoder
from unite.embedding.fingerprints import encoder_fingerprint, prompt_fingerprint
from unite.embedding.sharing import sum_of_ranks
from unite.errors import ConfigError, DataError, UniteError, must_be
from unite.files import locked, write_lines
from unite.processes import is_first_rank, num_ranks, rank
from unite.progress import shown
from unite.search.corpus.beside import write_beside
from unite.search.corpus.making import Counts, Maker
from unite.search.corpus.on_ray import make_on_ray
from unite.search.corpus.parts import Parts, take_in
from unite.search.corpus.plan import Known, Plan, make_plan, share_of
from unite.search.corpus.recall import K, measure_recall
from unite.search.corpus.sources import Corpus, Survey, open_corpus
from unite.search.corpus.stored import FACTS, CorpusFacts, StoredCorpus, check_names, hexadecimal

log = logging.getLogger(__name__)

SKIPPED = "skipped.jsonl"
#: Parts that wait before the first rank takes them in between its own.
_WAITING = 8


class CorpusEncoder:
    """The encoder of a corpus, loaded when the first row wants it.

    Args:
        checkpoint: its address, as it was given.
        label: what a person calls it.
        load: loads it.
        state: another where the checkpoint's files are others; "" where that is not known.
        has_gpu: whether it is loaded to one.
    """

    def __init__(self, checkpoint: str, label: str, load: Callable[[], Encoder], state: str = "", has_gpu: bool = False) -> None:
        self.checkpoint, self.label, self.state, self.has_gpu = checkpoint, label, state, has_gpu
        self.load = load

    @cached_property
    def encoder(self) -> Any:
        """It itself."""
        return self.load()

    @cached_property
    def fingerprints(self) -> tuple[int, int]:
        """Of the encoder and of how it reads."""
        return encoder_fingerprint(self.encoder), prompt_fingerprint(self.encoder.processor)


@dataclass(frozen=True)
class Outcome:
    """What a call did, on all ranks together.

    Attributes:
        rows: of the corpus.
        counts: what became of those that were looked at.
        unchanged, dropped: rows that stayed as they were, and those that are gone.
        recall: recall@10 of smaller vectors, and the rows it was measured among; None where vectors are exact.
    """

    rows: int
    counts: Counts
    unchanged: int
    dropped: int
    recall: tuple[float, int] | None

    def told(self, out: Path) -> list[str]:
        """Returns lines for whoever called."""
        counts = self.counts
        done = f"{counts.embedded} embedded, {counts.taken_over} taken over from equal contents, {self.unchanged} unchanged"
        lines = [f"The corpus is in {out}: {self.rows} rows ({done}), {self.dropped} dropped, {counts.skipped} skipped."]
        if counts.skipped:
            lines.append(f"What was skipped is named in {out / SKIPPED}; the first: {counts.first}")
        if counts.changed:
            lines.append(f"{counts.changed} rows changed while they were read: run it again to have them as they are now.")
        if self.recall is not None:
            lines.append(
                f"Of the {K} nearest by float32 vectors, the smaller ones find {self.recall[0]:.1%} (a sample of {self.recall[1]} rows)."
            )
        return lines


def embed_corpus(
    corpus: str | Sequence[str] | Mapping[str, str],
    out: str | Path,
    encoder: CorpusEncoder,
    options: CorpusOptions | None = None,
    columns: ColumnsConfig | None = None,
    form: CorpusFormat = CorpusFormat.lance,
    ray_workers: int = 0,
) -> Outcome:
    """Brings the stored corpus in `out` to what the sources hold.

    Args:
        corpus: an address, several, or several by name, see `unite.search.corpus.sources`.
        out: the folder of the stored corpus; made if it is not there.
        encoder: what embeds.
        options: how.
        columns: which columns of tables are what.
        form: what is written beside the table.
        ray_workers: actors of a Ray cluster that embed; 0 is this process and the others of its group.

    Raises:
        ConfigError: if a source is of no known kind, a column has a reserved name, another process writes to `out`, or the corpus there was
            made with other options.
        DataError: if there is no row, two have one id, too many cannot be read, or another encoder made the corpus.
        OSError: if nothing can be written.
    """
    return _Call(Path(out), encoder, options or CorpusOptions(), columns or ColumnsConfig(), form, ray_workers).run(corpus)


class _Call:
    """One call, on one rank."""

    def __init__(
        self, out: Path, encoder: CorpusEncoder, options: CorpusOptions, columns: ColumnsConfig, form: CorpusFormat, ray_workers: int
    ) -> None:
        self.ray_workers = ray_workers
        self.form = form
        self.out, self.encoder, self.options, self.columns = out, encoder, options, columns
        self.parts = Parts(out)

    def run(self, addresses: str | Sequence[str] | Mapping[str, str]) -> Outcome:
        with ExitStack() as stack:
            with _together():
                if is_first_rank():
                    stack.enter_context(_held(self.out))
            with _together():
                corpus = open_corpus(addresses, self.columns, self.out / "fetched")
                files = corpus.files()
                survey = corpus.survey()
                check_names(corpus.columns)
                stored = self._opened(corpus) if is_first_rank() else None
            with _together():  # now the first rank has taken in what a killed call left
                if stored is None and StoredCorpus.is_in(self.out):
                    stored = StoredCorpus(self.out)
                known = Known.of(stored)
                plan = make_plan(survey, known)
                self._check_encoder(stored)
            with _together():
                if is_first_rank():
                    stored = self._begun(stored, corpus, plan)
            with _together():
                counts = Counts()
                if len(plan.todo):
                    stored = StoredCorpus(self.out) if stored is None else stored
                    make = self._make_on_ray if self.ray_workers else self._make
                    counts = make(corpus, survey, plan, known, stored)
            counts = _of_all_ranks(counts)
            outcome = Outcome(len(known.ids), counts, plan.num_unchanged, 0, None)
            with _together():
                if is_first_rank() and stored is not None:
                    outcome = self._finish(stored, corpus, plan, known, counts, len(survey.ids))
                    if corpus.files() != files:
                        log.warning("a table or shard of the corpus changed while it was read: run it again to have it as it is now.")
            return outcome

    def _opened(self, corpus: Corpus) -> StoredCorpus | None:
        """Opens the stored corpus, if there is one, and takes in what a killed call left."""
        self.parts.forget_skipped()
        for reason, detail in corpus.left()[:3]:
            log.info("of the corpus, no row (%s): %s", reason, detail)
        if not StoredCorpus.is_in(self.out):
            return None
        stored = StoredCorpus(self.out)
        if not len(stored) and not self.parts.num:  # of a call that came to nothing: it binds nobody
            (self.out / FACTS).unlink()
            return None
        self._check_options(stored)
        if self.parts.num:
            num = take_in(self.parts, stored, set(stored.read(["id"]).column("id").to_pylist()))
            log.info("%d rows that a call before this one had embedded were taken in", num)
        return stored

    def _check_options(self, stored: StoredCorpus) -> None:
        """Refuses options that would give other vectors than those that are there."""
        facts = stored.facts
        told = json.loads(json.dumps(asdict(self.options.decoding)))
        for name, given, known in (
            ("vectors", str(self.options.vectors), str(facts.vectors)),
            ("embedded", str(self.options.embedded), facts.embedded),
            ("instruction", self.options.instruction, facts.instruction),
            ("decoding", told, dict(facts.decoding)),
        ):
            if given != known:
                raise ConfigError(must_be(name, f"{known!r}, as of the corpus in {self.out}", given, "Give another folder as out."))

    def _check_encoder(self, stored: StoredCorpus | None) -> None:
        """Refuses another encoder than that which made the corpus; it is loaded where its files do not tell that it is the same."""
        if stored is not None and (not self.encoder.state or self.encoder.state != stored.facts.checkpoint_state):
            stored.check_made_by(*self.encoder.fingerprints)

    def _begun(self, stored: StoredCorpus | None, corpus: Corpus, plan: Plan) -> StoredCorpus | None:
        """Makes the stored corpus where there is none, or has it take up new columns; from now on it is not whole."""
        if stored is None:
            of_encoder, of_prompt = map(hexadecimal, self.encoder.fingerprints)
            facts = CorpusFacts(
                encoder=self.encoder.label,
                checkpoint=self.encoder.checkpoint,
                checkpoint_state=self.encoder.state,
                encoder_fingerprint=of_encoder,
                prompt_fingerprint=of_prompt,
                dim=int(self.encoder.encoder.dim),
                vectors=self.options.vectors,
                embedded=str(self.options.embedded),
                instruction=self.options.instruction,
                decoding=asdict(self.options.decoding),
                sources=corpus.addresses,
            )
            return StoredCorpus.create(self.out, facts, corpus.columns)
        if len(plan.todo) or plan.gone:
            new = {}
            for name, kind in corpus.columns.items():
                known = stored.columns.get(name)
                if known is None:
                    new[name] = kind
                elif known not in (kind, "string") and (known, kind) != ("double", "int64"):
                    hint = f"Mend the data, leave it out (columns.drop=[{name}]), or give another folder as out."
                    raise ConfigError(must_be(f"the values of column {name}", f"{known}, as in the corpus that is there", kind, hint))
            stored.add_columns(new)
            stored.note(is_whole=False)
        return stored

    def _make(self, corpus: Corpus, survey: Survey, plan: Plan, known: Known, stored: StoredCorpus) -> Counts:
        mine = share_of(plan, survey.ids, rank(), num_ranks())
        most = self.options.max_skipped_share * len(survey.ids) / num_ranks()
        maker = Maker(
            *(corpus, survey, lambda: self.encoder.encoder, stored, self.parts, self.options, known.of_content(), most),
            is_ahead=self.encoder.has_gpu,
        )
        ids = set(known.ids)
        title = "embedding" if num_ranks() == 1 else f"embedding the first of {num_ranks()} shares"

        def after_part() -> None:
            if is_first_rank() and self.parts.num >= _WAITING:
                take_in(self.parts, stored, ids)

        with shown(title, len(mine), "rows") as work:
            maker.make(mine, work.advance, after_part)
        return maker.counts

    def _make_on_ray(self, corpus: Corpus, survey: Survey, plan: Plan, known: Known, stored: StoredCorpus) -> Counts:
        todo, size = plan.todo.tolist(), self.options.rows_per_part
        blocks = [todo[at : at + size] for at in range(0, len(todo), size)]
        given = {
            **{"out": self.out.absolute(), "load": self.encoder.load, "blocks": blocks},
            **{"corpus": corpus, "survey": survey, "options": self.options, "contents": known.of_content()},
            **{"most_skipped": self.options.max_skipped_share * len(survey.ids), "is_ahead": self.encoder.has_gpu},
        }
        ids, counts = set(known.ids), Counts()
        with shown(f"embedding by {self.ray_workers} actors", len(todo), "rows") as work:
            for num, of_block in make_on_ray(self.ray_workers, len(blocks), given):
                work.advance(num)
                counts = counts + of_block
                if self.parts.num >= _WAITING:
                    take_in(self.parts, stored, ids)
        return counts

    def _finish(self, stored: StoredCorpus, corpus: Corpus, plan: Plan, known: Known, counts: Counts, num_rows: int) -> Outcome:
        there = set(stored.read(["id"]).column("id").to_pylist())
        take_in(self.parts, stored, there)
        skipped = self.parts.skipped()
        if len(skipped) > self.options.max_skipped_share * num_rows or len(skipped) == num_rows:
            expected = f"at most max_skipped_share ({self.options.max_skipped_share:g}) of {num_rows} rows, and not all"
            hint = f"The first: {skipped[0]['reason']} What was embedded is kept, and nothing is dropped."
            raise DataError(must_be("the rows that cannot be read", expected, len(skipped), hint))
        unseen = set() if corpus.is_readable else set(plan.gone)
        if unseen:
            told = "%d rows are not there any more, but folders cannot be read (%s): nothing is dropped."
            log.warning(told, len(unseen), next(detail for reason, detail in corpus.left() if reason == UNREADABLE))
        there -= unseen
        gone = [id for id in (*plan.gone, *(line["id"] for line in skipped)) if id in there]
        stored.drop(gone)
        if skipped:
            write_lines(self.out / SKIPPED, skipped)
        else:
            (self.out / SKIPPED).unlink(missing_ok=True)
        is_changed = bool(counts.embedded or counts.taken_over or gone or not stored.facts.is_whole)
        recall = None
        if is_changed:
            with shown("gathering the table"):
                stored.optimize()
            if stored.facts.vectors is not Vectors.float32 and self.options.recall_sample:
                recall = measure_recall(stored)
        self.parts.forget_skipped()
        self.parts.close()
        facts = {"rows": len(stored), "sources": corpus.addresses, "is_whole": True}
        same = {"checkpoint": self.encoder.checkpoint, "checkpoint_state": self.encoder.state, "encoder": self.encoder.label}
        facts |= same | ({"recall_at_10": recall and recall[0]} if is_changed else {})
        if any(getattr(stored.facts, name) != value for name, value in facts.items()):
            stored.note(**facts)
        write_beside(stored, self.form, is_new=is_changed)
        return Outcome(len(stored), counts, plan.num_unchanged, len(gone), recall)


@contextmanager
def _together() -> Iterator[None]:
    """Has all ranks end a step together: where one fails, the others do too, and none waits for ever."""
    error: Exception | None = None
    try:
        yield
    except (UniteError, OSError) as raised:
        error = raised
    failed = sum_of_ranks(int(error is not None))
    if error is not None:
        raise error
    if failed:
        raise DataError("another process of this corpus failed; its own message tells why.")


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """Holds the folder. Raises ConfigError if another process does."""
    with locked(out / "lock", wait=False) as is_held:
        if not is_held:
            holder = (out / "lock").read_text(encoding="utf-8").strip() or "another process"
            raise ConfigError(must_be("out", "a folder that no other process writes to", f"{out}, held by {holder}", "Wait for its end."))
        yield


def _of_all_ranks(counts: Counts) -> Counts:
    names = ("embedded", "taken_over", "skipped", "changed")
    return Counts(**{name: sum_of_ranks(getattr(counts, name)) for name in names}, first=counts.first)
