"""Embeds a corpus, and brings a stored one up to date: what is new or changed is embedded, what is gone is dropped, the rest stays.

    survey (every row's id, size, time of change) -> plan -> parts, on every rank -> the table, by the first rank

Killed at any moment, the next call does what is left. All ranks of the default process group must call it; they share the folder `out`.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from unite.config.schema.embed import ColumnsConfig, CorpusFormat, CorpusOptions
from unite.config.schema.vectors import Vectors
from unite.curation.recipes.captioned_folder import UNREADABLE
from unite.embedding.sharing import sum_of_ranks
from unite.errors import ConfigError, DataError, UniteError, must_be
from unite.files import to_line
from unite.processes import is_first_rank, num_ranks, rank
from unite.progress import shown
from unite.search.corpus.begun import begin, check_encoder, check_options
from unite.search.corpus.beside import write_beside
from unite.search.corpus.corpus import Corpus, Survey
from unite.search.corpus.encoder import CorpusEncoder
from unite.search.corpus.facts import FACTS
from unite.search.corpus.lance import told_damage
from unite.search.corpus.layout import check_names
from unite.search.corpus.lock import held
from unite.search.corpus.making import Maker
from unite.search.corpus.on_ray import make_on_ray
from unite.search.corpus.outcome import SKIPPED, Counts, Outcome
from unite.search.corpus.parts import Parts, take_in
from unite.search.corpus.place import Place
from unite.search.corpus.plan import Known, Plan, make_plan, share_of
from unite.search.corpus.ready import MakerJob
from unite.search.corpus.recall import measure_recall
from unite.search.corpus.sources import Named, open_corpus
from unite.search.corpus.stored import StoredCorpus

log = logging.getLogger(__name__)

#: Parts that wait before the first rank takes them in between its own.
_WAITING = 8


def embed_corpus(
    corpus: Named,
    out: str | Path | Place,
    encoder: CorpusEncoder,
    options: CorpusOptions | None = None,
    columns: ColumnsConfig | None = None,
    form: CorpusFormat = CorpusFormat.lance,
    ray_workers: int = 0,
) -> Outcome:
    """Brings the stored corpus in `out` to what the sources hold.

    Args:
        corpus: an address, several, or several by name, see `unite.search.corpus.sources`; by name also sources themselves.
        out: the folder of the stored corpus, on disk or in a store; made if it is not there.
        encoder: what embeds.
        options: how.
        columns: which columns of tables are what.
        form: what is written beside the table.
        ray_workers: actors of a Ray cluster that embed; 0 is this process and the others of its group.

    Raises:
        ConfigError: if a source is of no known kind, a column has a reserved name, or the corpus there was made with other options.
        DataError: if there is no row, two have one id, too many cannot be read, another encoder made the corpus, or another process writes
            to it.
        OSError: if nothing can be written.
    """
    return _Call(Place.of(out), encoder, options or CorpusOptions(), columns or ColumnsConfig(), form, ray_workers).run(corpus)


class _Call:
    """One call, on one rank."""

    def __init__(
        self, out: Place, encoder: CorpusEncoder, options: CorpusOptions, columns: ColumnsConfig, form: CorpusFormat, ray_workers: int
    ) -> None:
        self.ray_workers = ray_workers
        self.form = form
        self.out, self.encoder, self.options, self.columns = out, encoder, options, columns
        self.parts = Parts(out / "parts")

    def run(self, addresses: Named) -> Outcome:
        with ExitStack() as stack:
            with _together(self.out):
                if is_first_rank():
                    stack.enter_context(held(self.out))
            with _together(self.out):
                scratch = self._scratch(stack)
                corpus = open_corpus(addresses, self.columns, scratch)
                files = corpus.files()
                self._check_reached(files, scratch)
                survey = corpus.survey()
                check_names(corpus.columns)
                stored = self._opened(corpus) if is_first_rank() else None
            with _together(self.out):  # now the first rank has taken in what a killed call left
                if stored is None and StoredCorpus.is_in(self.out):
                    stored = StoredCorpus(self.out)
                known = Known.of(stored)
                plan = make_plan(survey, known)
                check_encoder(stored, self.encoder)
                was_whole = stored is not None and stored.facts.is_whole
            with _together(self.out):
                if is_first_rank():
                    stored = begin(self.out, stored, corpus, plan, self.encoder, self.options)
            with _together(self.out):
                counts = Counts()
                if len(plan.todo):
                    stored = StoredCorpus(self.out) if stored is None else stored
                    make = self._make_on_ray if self.ray_workers else self._make
                    counts = make(corpus, survey, plan, known, stored)
            counts = _of_all_ranks(counts)
            outcome = Outcome(len(known.ids), counts, plan.num_unchanged, 0, None)
            with _together(self.out):
                if is_first_rank() and stored is not None:
                    outcome = self._finish(stored, corpus, plan, counts, len(survey.ids), was_whole=was_whole)
                    if corpus.files() != files:
                        log.warning("a table or shard of the corpus changed while it was read: run it again to have it as it is now.")
            return outcome

    def _scratch(self, stack: ExitStack) -> Path:
        """Returns where tables of a store are copied to: beside the corpus, or, where that is in a store too, for this call alone."""
        if self.out.is_local:
            return self.out.path / "fetched"
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unite-")))

    def _check_reached(self, files: Iterable[str], scratch: Path) -> None:
        """Raises ConfigError if actors on other machines could not read a table."""
        if self.ray_workers and not self.out.is_local and any(Path(file).is_relative_to(scratch) for file in files):
            hint = "Copy the tables there; media may lie in a store."
            raise ConfigError(must_be("tables for engine=ray and out in a store", "on a disk that all machines share", "in a store", hint))

    def _opened(self, corpus: Corpus) -> StoredCorpus | None:
        """Opens the stored corpus, if there is one, and takes in what a killed call left."""
        self.parts.forget_skipped()
        for reason, detail in corpus.left()[:3]:
            log.info("of the corpus, no row (%s): %s", reason, detail)
        if not StoredCorpus.is_in(self.out):
            return None
        stored = StoredCorpus(self.out)
        if not len(stored) and not self.parts.num:  # of a call that came to nothing: it binds nobody
            (self.out / FACTS).remove()
            return None
        check_options(stored, self.options)
        if self.parts.num:
            num = take_in(self.parts, stored, set(stored.read(["id"]).column("id").to_pylist()))
            log.info("%d rows that a call before this one had embedded were taken in", num)
        return stored

    def _make(self, corpus: Corpus, survey: Survey, plan: Plan, known: Known, stored: StoredCorpus) -> Counts:
        mine = share_of(plan, survey.ids, rank(), num_ranks())
        maker = Maker(self._job(corpus, survey, known, num_ranks()), lambda: self.encoder.encoder, stored, self.parts)
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
        job = self._job(corpus, survey, known, 1)
        ids, counts = set(known.ids), Counts()
        with shown(f"embedding by {self.ray_workers} actors", len(todo), "rows") as work:
            for num, of_block in make_on_ray(self.ray_workers, self.out, self.encoder.load, blocks, job):
                work.advance(num)
                counts = counts + of_block
                if self.parts.num >= _WAITING:
                    take_in(self.parts, stored, ids)
        return counts

    def _job(self, corpus: Corpus, survey: Survey, known: Known, num_processes: int) -> MakerJob:
        most = self.options.max_skipped_share * len(survey.ids) / num_processes
        return MakerJob(corpus, survey, self.options, known.of_content(), most, is_ahead=self.encoder.has_gpu)

    def _finish(self, stored: StoredCorpus, corpus: Corpus, plan: Plan, counts: Counts, num_rows: int, *, was_whole: bool) -> Outcome:
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
            (self.out / SKIPPED).write(b"".join(map(to_line, skipped)))
        else:
            (self.out / SKIPPED).remove()
        is_changed = bool(counts.embedded or counts.taken_over or gone or not was_whole)
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
        write_beside(stored, self.form, is_new=is_changed)  # before it is noted as whole: broken off, the next call writes it
        if any(getattr(stored.facts, name) != value for name, value in facts.items()):
            stored.note(**facts)
        return Outcome(len(stored), counts, plan.num_unchanged, len(gone), recall)


@contextmanager
def _together(out: Place) -> Iterator[None]:
    """Has all ranks end a step together: where one fails, the others do too, and none waits for ever."""
    error: Exception | None = None
    try:
        with told_damage(out):
            yield
    except (UniteError, OSError) as raised:
        error = raised
    failed = sum_of_ranks(int(error is not None))
    if error is not None:
        raise error
    if failed:
        raise DataError("another process of this corpus failed; its own message tells why.")


def _of_all_ranks(counts: Counts) -> Counts:
    names = ("embedded", "taken_over", "skipped", "changed")
    return Counts(**{name: sum_of_ranks(getattr(counts, name)) for name in names}, first=counts.first)
