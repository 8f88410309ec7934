"""The stored corpus that a call begins with: one that fits what it is called with, or a new one."""

from __future__ import annotations

import json
from dataclasses import asdict

from unite.config.schema.embed import CorpusOptions
from unite.errors import ConfigError, must_be
from unite.search.corpus.corpus import Corpus
from unite.search.corpus.encoder import CorpusEncoder
from unite.search.corpus.facts import CorpusFacts, hexadecimal
from unite.search.corpus.place import Place
from unite.search.corpus.plan import Plan
from unite.search.corpus.stored import StoredCorpus


def check_options(stored: StoredCorpus, options: CorpusOptions) -> None:
    """Raises ConfigError if options would give other vectors than those that are there."""
    facts = stored.facts
    told = json.loads(json.dumps(asdict(options.decoding)))
    for name, given, known in (
        ("vectors", str(options.vectors), str(facts.vectors)),
        ("embedded", str(options.embedded), facts.embedded),
        ("instruction", options.instruction, facts.instruction),
        ("decoding", told, dict(facts.decoding)),
    ):
        if given != known:
            raise ConfigError(must_be(name, f"{known!r}, as of the corpus in {stored.folder}", given, "Give another folder as out."))


def check_encoder(stored: StoredCorpus | None, encoder: CorpusEncoder) -> None:
    """Raises DataError if another encoder made the corpus; this one is loaded where its files do not tell that it is the same."""
    if stored is not None and (not encoder.state or encoder.state != stored.facts.checkpoint_state):
        stored.check_made_by(*encoder.fingerprints)


def begin(
    out: Place, stored: StoredCorpus | None, corpus: Corpus, plan: Plan, encoder: CorpusEncoder, options: CorpusOptions
) -> StoredCorpus:
    """Makes the stored corpus where there is none, or has it take up new columns; from now on it is not whole.

    Args:
        out: its folder.
        stored: it, None where there is none.
        corpus: what it is to hold.
        plan: what is to be done of that.
        encoder: what embeds.
        options: how.

    Raises:
        ConfigError: if a column has values of another type than the one that is there.
    """
    if stored is None:
        of_encoder, of_prompt = map(hexadecimal, encoder.fingerprints)
        facts = CorpusFacts(
            encoder=encoder.label,
            checkpoint=encoder.checkpoint,
            checkpoint_state=encoder.state,
            encoder_fingerprint=of_encoder,
            prompt_fingerprint=of_prompt,
            dim=int(encoder.encoder.dim),
            vectors=options.vectors,
            embedded=str(options.embedded),
            instruction=options.instruction,
            decoding=asdict(options.decoding),
            sources=corpus.addresses,
        )
        return StoredCorpus.create(out, facts, corpus.columns)
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
