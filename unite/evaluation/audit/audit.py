"""An encoder through the tasks of a suite whose candidates have labels.

Shapes: Q queries, C candidates, D dimensions, G groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unite.batch import index_tensor
from unite.config.schema.audit import AuditOptions
from unite.embedding.embed import Encoder, device_of, fingerprints
from unite.embedding.memory import EmbeddingCache, MemoryCache
from unite.embedding.sharing import embed_sharded
from unite.evaluation.audit.association import association
from unite.evaluation.audit.labels import Attribute, Labels
from unite.evaluation.audit.page import render_page
from unite.evaluation.audit.parity import Parity, compare_groups, parity
from unite.evaluation.audit.read import LabelledTask, read_tasks
from unite.evaluation.audit.result import AttributeAudit, AuditResult, NamedAssociation, TaskAudit
from unite.evaluation.audit.skew import Skew, skew
from unite.evaluation.audit.units import numbered
from unite.evaluation.diagnosis import NUM_HITS, EmbedContents
from unite.evaluation.mixed_pool import MixedPool
from unite.evaluation.suite import Suite, judge_task
from unite.evaluation.tasks import RetrievalTask
from unite.files import write_text
from unite.processes import is_first_rank
from unite.progress import tracked
from unite.retrieval.topk import search
from unite.types import Content


def audit(
    encoder: Encoder, suite: Suite, options: AuditOptions, checkpoint: str, folder: Path, cache: EmbeddingCache | None = None
) -> AuditResult:
    """Audits a suite and writes `audit.json` and `audit.html` into the folder.

    Where several ranks work together, all must call this: they share the embedding, and the first one writes.

    Args:
        encoder: see `embed_contents`.
        suite: whose tasks with labels are audited; those without are part of the pool of all modalities.
        options: what is looked at.
        checkpoint: what the encoder is called.
        folder: of the run.
        cache: of embeddings.

    Raises:
        DataError, ConfigError: if the labels or the options do not fit the tasks; before anything is embedded.
    """
    tasks, labelled = read_tasks(suite, options)
    cache = MemoryCache() if cache is None else cache
    embed = partial(embed_sharded, encoder, token_budget=suite.token_budget, cache=cache)
    device = device_of(encoder)
    pool, looks = MixedPool(device), {}
    seen: set[tuple[str, tuple[int, ...]]] = set()  # tasks may share candidates: an association of the same ones is told once
    for name, task in tracked(tasks.items(), f"{suite.name}: embedding", "tasks"):
        candidates = embed(task.candidates, ids=task.candidate_ids)
        prints = fingerprints(task.candidates, cache)
        pool.add(prints, candidates, task.candidate_modality)
        if name in labelled:
            labelled[name] = _new_targets(labelled[name], prints, seen)
            queries = embed(task.queries, ids=task.query_ids)
            looks[name] = _Look(labelled[name], queries, fingerprints(task.queries, cache), candidates, device, options)
    found = tuple(look.at(name, pool, embed) for name, look in tracked(looks.items(), f"{suite.name}: audit", "tasks"))
    result = AuditResult(suite.name, checkpoint, tuple(options.ks), found)
    if is_first_rank():
        write_text(folder / "audit.json", result.to_json())
        write_text(folder / "audit.html", render_page(result))
    return result


def _new_targets(task: LabelledTask, prints: Sequence[int], seen: set[tuple[str, tuple[int, ...]]]) -> LabelledTask:
    """Returns the task without the associations whose very candidates are `seen`; what it has is noted there."""
    asked = {name: (name, tuple(prints[row] for row in targets.rows)) for name, targets in task.targets.items()}
    new = {name: task.targets[name] for name, key in asked.items() if key not in seen}
    seen.update(asked.values())
    return replace(task, targets=new)


@dataclass(frozen=True, eq=False)
class _Look:
    """A task with its labels and embeddings: (Q, D) queries with their fingerprints, (C, D) candidates."""

    known: LabelledTask
    queries: Tensor
    prints: Sequence[int]
    candidates: Tensor
    device: torch.device
    options: AuditOptions

    @property
    def task(self) -> RetrievalTask:
        return self.known.task

    @property
    def labels(self) -> Labels:
        return self.known.labels

    def at(self, name: str, pool: MixedPool, embed: EmbedContents) -> TaskAudit:
        task, shares = self.task, pool.shares()
        judged = judge_task(task, self.queries, self.candidates, self.device)
        wrong, by_chance = None, None
        if len(shares) > 1:
            wrong = pool.wrong_shares(self.queries, self.prints, task.candidate_modality, NUM_HITS).cpu().numpy()
            by_chance = 1 - shares[str(task.candidate_modality)]
        relevant = {query: list(names) for query, names in task.relevant.items()}
        attributes = [
            AttributeAudit(
                attribute.name,
                tuple(parity(judged, relevant, attribute, self.labels.unit, self.options.ks, self.options.num_resamples)),
                tuple(self._skew(attribute)),
                None if wrong is None else self._wrong(attribute, wrong),
            )
            for attribute in self.labels.attributes
        ]
        with_labels = {candidate for attribute in self.labels.attributes for candidate in attribute.of}
        return TaskAudit(
            name,
            task.pair,
            len(task.query_ids),
            len(task.candidate_ids),
            len(with_labels),
            len({self.labels.unit[candidate] for candidate in with_labels}),
            tuple(attributes),
            tuple(self._associations(embed)),
            None if wrong is None else float(wrong.mean()),
            by_chance,
        )

    def _skew(self, attribute: Attribute) -> list[Skew]:
        ids, k = self.task.candidate_ids, max(self.options.ks)
        row_of = {name: row for row, name in enumerate(ids)}
        if self.task.pools is None:
            searches = [(slice(None), [row for row in self.task.tie_order if ids[row] in attribute.of])]
        else:
            pools_of = (self.task.pool_of(query) for query in self.task.query_ids)
            searches = [(slice(at, at + 1), [row_of[name] for name in pool if name in attribute.of]) for at, pool in enumerate(pools_of)]
        ranked, pools = [], []
        for rows, members_of in searches:
            groups = np.array([attribute.of[ids[row]] for row in members_of])
            _, places = search(self.queries[rows], self.candidates[index_tensor(members_of)], k, device=self.device)
            ranked += list(groups[places.cpu().numpy()])
            pools += [np.bincount(groups, minlength=len(attribute.groups))] * len(places)
        units = self._query_units()
        return [skew(ranked, pools, units, attribute.groups, k, self.options.num_resamples) for k in self.options.ks]

    def _query_units(self) -> list[int]:
        """Returns (Q,) the unit of each query: that of its relevant candidates if they are of one, else its own."""
        found = []
        for query, names in self.task.relevant.items():
            units = {self.labels.unit[name] for name in names}
            found.append(units.pop() if len(units) == 1 else f"query {query}")
        return numbered(found)

    def _wrong(self, attribute: Attribute, wrong: np.ndarray) -> Parity | None:
        """Returns the share of the wrong modality by group, of queries for one group; None where groups share their queries."""
        sought = [{attribute.of.get(name, -1) for name in names} for names in self.task.relevant.values()]
        rows = [row for row, groups in enumerate(sought) if len(groups) == 1 and -1 not in groups]
        units = self._query_units()
        groups = [next(iter(sought[row])) for row in rows]
        asked: dict[int, set[int]] = {}
        for row, group in zip(rows, groups, strict=True):
            asked.setdefault(group, set()).add(self.prints[row])
        if len(set(map(frozenset, asked.values()))) < 2:
            return None
        return compare_groups(wrong[rows], groups, [units[row] for row in rows], attribute, NUM_HITS, self.options.num_resamples)

    def _associations(self, embed: EmbedContents) -> list[NamedAssociation]:
        found = []
        for name, targets in self.known.targets.items():
            wanted = self.options.associations[name]
            units = numbered([self.labels.unit[self.task.candidate_ids[row]] for row in targets.rows])
            first, second = (embed([Content(text=word) for word in words]) for words in wanted.words.values())
            candidates = self.candidates[index_tensor(targets.rows)]
            seen = association(candidates, targets.is_first, units, (first, second), self.options.num_resamples)
            groups, words = list(wanted.groups), list(wanted.words)
            found.append(NamedAssociation(name, wanted.attribute, (groups[0], groups[1]), (words[0], words[1]), seen))
        return found
