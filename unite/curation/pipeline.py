"""From raw collections to curated shards with a datasheet: parts, decision, shards, page.

    recipes --cut--> parts --row-wise steps, media ready--> parts/  --set-wise steps--> decision/  --pack--> shards --> datasheet

Each arrow's result is on disk before the next begins, whole or not at all, and depends on the plan alone. So a run that was killed at any
moment ends, when it is started again, with the shards and checksums of one that was not.

    out/
      <source>/<query>-to-<positive>/shard-000000.tar    what `unite.data` reads
      skipped.jsonl                                      every row left out, and why
      datasheet.json, datasheet.html                     written last: where they are, the set is whole
      .work/                                             while it is being made
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from unite.config.schema.media import MediaPolicy
from unite.curation.chosen import Chosen
from unite.curation.datasheet import make_datasheet
from unite.curation.datasheet_page import render_page
from unite.curation.decide import AllRows, Decision, decide
from unite.curation.describe import describe, key_prefix
from unite.curation.engine import run
from unite.curation.examples import make_examples
from unite.curation.order import in_order, order_told
from unite.curation.pack import PackedShard, PackTask, plan_shards
from unite.curation.part import LAYOUT, Part, PartTask, cut
from unite.curation.raw import NO_SAMPLE, Recipe
from unite.curation.records import MEDIA, READ, Funnel
from unite.curation.remarks import check_left, summary, tell_of_media, tell_of_steps
from unite.curation.set_folder import DATASHEET, LOCK, PAGE, SKIPPED, check_source, full_disk_named, open_set
from unite.curation.steps.step import Step, columns_of
from unite.errors import ConfigError, DataError, must_be
from unite.files import read_lines, write_json, write_lines, write_text
from unite.locks import locked
from unite.progress import How, shown, tracked

log = logging.getLogger(__name__)


class Curation:
    """Curates one or more recipes into one set.

    Args:
        recipes: each becomes a source of its name.
        steps: in any order: those that judge row by row run first, then those that judge the set; each sees what the one before left.
        out: the folder of the set. A run of the same plan goes on where it stopped; another plan's set is never written over.
        media: what media become.
        rows_per_part: records in a part, the unit that a kill can cost.
        samples_per_shard: rows in a shard.
        seed: for what steps draw by chance.
        workers: processes; 0 is one a core.
        engine: `local` or `ray`.
        max_unusable_share: of each recipe's records; if more cannot be read or opened, the run stops before anything is decided.
        config: the resolved config, kept in the datasheet.
        progress: whether it is shown how far the work is.

    Raises:
        ConfigError: if two recipes or two steps share a name, one of a recipe is no folder name, or a number is out of range.
    """

    def __init__(
        self,
        recipes: Sequence[Recipe],
        steps: Sequence[Step] = (),
        *,
        out: str | Path,
        media: MediaPolicy | None = None,
        rows_per_part: int = 1000,
        samples_per_shard: int = 1000,
        seed: int = 0,
        workers: int = 0,
        engine: str = "local",
        max_unusable_share: float = 0.5,
        config: Mapping[str, Any] | None = None,
        progress: bool = True,
    ) -> None:
        self.recipes, self.out, self.media = list(recipes), Path(out), media or MediaPolicy()
        self.row_steps, self.set_steps = in_order(steps)
        self._order = order_told(steps)
        for name, value in (("rows_per_part", rows_per_part), ("samples_per_shard", samples_per_shard), ("recipes", len(self.recipes))):
            if value < 1:
                raise ConfigError(must_be(name, "at least 1", value))
        if not 0 <= max_unusable_share <= 1:
            raise ConfigError(must_be("max_unusable_share", "from 0 to 1", max_unusable_share))
        names = [recipe.name for recipe in self.recipes]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(must_be("the names of recipes", "unique", f"{twice} more than once", "Each is a folder of the set."))
        for name in names:
            check_source(name)
        self.rows_per_part, self.samples_per_shard, self.seed = rows_per_part, samples_per_shard, seed
        self.workers, self.engine, self.progress = workers, engine, progress
        self._how: How = "bar" if progress else "nothing"
        self.max_unusable_share = max_unusable_share
        self.config = dict(config or {})

    @property
    def steps(self) -> list[Step]:
        """All of them in the order in which they run."""
        return [*self.row_steps, *self.set_steps]

    @property
    def work(self) -> Path:
        """What a run leaves for the next, until it is done."""
        return self.out / ".work"

    def run(self) -> dict[str, Any]:
        """Makes the set, or goes on making it.

        Returns:
            The datasheet.

        Raises:
            ConfigError: if the folder holds another plan's set.
            DataError: if too many records cannot be used, or no row is left.
            UniteError: if the disk is full.
        """
        with full_disk_named(self.out):
            return self._run_all()

    def _run_all(self) -> dict[str, Any]:
        plan = self._plan()
        layout: list[str | int] = [LAYOUT, *sorted(columns_of(self.set_steps))]
        done = open_set(self.out, self.work, plan, layout)
        if done is not None:
            return done
        with locked(self.out / LOCK):
            done = open_set(self.out, self.work, plan, layout)  # whoever held the lock may have made it
            return done if done is not None else self._make(plan)

    def _make(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        log.info("%s", self._order)
        parts = cut(self.recipes, self.rows_per_part, self.work / "parts")
        self._do_parts(parts, plan)
        funnels = self._check(parts)
        rows = AllRows(parts, [recipe.name for recipe in self.recipes], self.work, self.progress)
        decision = self._decide(rows)
        for line in read_lines(self.work / "decision" / "skipped.jsonl"):
            funnels[line["source"]].dropped[line["step"], line["reason"]] += 1
        check_left(funnels)
        shards = self._pack(rows, decision)
        with shown("the datasheet", how=self._how):
            chosen = Chosen()
            write_lines(self.out / SKIPPED, chosen.passing(self._skipped(parts)))
            order = [READ, *(step.name for step in self.row_steps), MEDIA, *(step.name for step in self.set_steps)]
            steps = {name: funnel.steps(order) for name, funnel in funnels.items()}
            total = Funnel.total(funnels.values()).steps(order)
            datasheet = make_datasheet(self.out, [shard.path for shard in shards], total, steps, plan, self.config)
            examples = make_examples(chosen, order, self.recipes, self.steps, rows, decision, self.media)
            write_text(self.out / PAGE, render_page(datasheet, examples))
            write_json(self.out / DATASHEET, datasheet)
            shutil.rmtree(self.work)
        tell_of_media(datasheet)
        tell_of_steps(steps)
        return datasheet

    def _plan(self) -> dict[str, Any]:
        """Says what the set depends on."""
        return {
            "recipes": [
                {**describe(recipe), "num_records": len(recipe), "fingerprint": recipe.fingerprint()}
                for recipe in tracked(self.recipes, "the fingerprints of the annotations", "recipes", how=self._how)
            ],
            "steps": [{"name": step.name, **describe(step)} for step in self.steps],
            "media": describe(self.media),
            "rows_per_part": self.rows_per_part,
            "samples_per_shard": self.samples_per_shard,
            "seed": self.seed,
        }

    def _do_parts(self, parts: list[Part], plan: Mapping[str, Any]) -> None:
        left = [number for number, part in enumerate(parts) if not part.is_done]
        num_rows = sum(parts[number].stop - parts[number].start for number in left)
        told = [recipe["fingerprint"] for recipe in plan["recipes"]]
        prefixes = [key_prefix(recipe, fingerprint) for recipe, fingerprint in zip(self.recipes, told, strict=True)]
        task = PartTask(self.recipes, self.row_steps, self.media, parts, columns_of(self.set_steps), prefixes)
        self._run(task, left, "reading", num_rows)

    def _check(self, parts: Sequence[Part]) -> dict[str, Funnel]:
        """Adds the parts' counts up by source. Raises DataError if too many records of one cannot be used."""
        funnels = {recipe.name: Funnel() for recipe in self.recipes}
        for part in parts:
            funnels[self.recipes[part.recipe].name].add(part.funnel())
        for name, funnel in funnels.items():
            records = funnel.num_rows - funnel.dropped[READ, NO_SAMPLE]
            unusable = sum(count for (step, reason), count in funnel.dropped.items() if step in (READ, MEDIA) and reason != NO_SAMPLE)
            if unusable > self.max_unusable_share * records:
                lines = (line for line in self._unusable(parts) if line["source"] == name)
                first = "; ".join(f"{line['key']}: {line['reason']}: {line['detail']}" for line in islice(lines, 3))
                expected = f"at most {self.max_unusable_share:.0%} of {records} records"
                hint = f"The first: {first}. Mend the annotations or media_root, or raise max_unusable_share."
                found = f"{unusable} ({summary(funnel)})"
                raise DataError(must_be(f"the records of source {name} that cannot be used", expected, found, hint))
        return funnels

    def _decide(self, rows: AllRows) -> Decision:
        folder = self.work / "decision"
        if not folder.is_dir():
            decision, left_out = decide(rows, self.set_steps, self.seed, self._how)
            decision.save(folder, rows.lines(left_out))
        return Decision.load(folder)

    def _pack(self, rows: AllRows, decision: Decision) -> list[PackedShard]:
        shards = plan_shards(rows, decision, self.out, self.samples_per_shard)
        left = [number for number, shard in enumerate(shards) if not shard.is_done]
        folders = [part.folder for part in rows.parts]
        task = PackTask(shards, folders, rows.starts, decision.groups, decision.negatives, decision.merged, self.work / "pack")
        self._run(task, left, "packing", sum(len(shards[number].rows) for number in left))
        return shards

    def _run(self, work: PartTask | PackTask, numbers: list[int], title: str, num_rows: int) -> None:
        run(work, numbers, title=title, num_rows=num_rows, workers=self.workers, engine=self.engine, progress=self.progress)

    def _skipped(self, parts: Iterable[Part]) -> Iterable[dict[str, Any]]:
        for part in parts:
            yield from read_lines(part.folder / "skipped.jsonl")
        yield from read_lines(self.work / "decision" / "skipped.jsonl")

    @staticmethod
    def _unusable(parts: Iterable[Part]) -> Iterable[dict[str, Any]]:
        return (
            line
            for part in parts
            for line in read_lines(part.folder / "skipped.jsonl")
            if line["step"] in (READ, MEDIA) and line["reason"] != NO_SAMPLE
        )
