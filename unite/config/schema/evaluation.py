"""`python -m unite.evaluate`, and the suite that training ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from unite.config.schema.encoder import ReadingChange
from unite.config.schema.features import FeatureCacheConfig
from unite.config.schema.media import Decoding
from unite.config.schema.world import WorldConfig
from unite.errors import ConfigError, must_be, must_be_one_of


@dataclass(kw_only=True)
class LeaderboardConfig:
    """The file that a benchmark's leaderboard takes, in the run's folder. See `unite.evaluation.leaderboard`.

    Attributes:
        modalities: the suite's groups that are the file's parts.
        task_names: task -> its name in the file, where that is another.
        model_name: of the model; null takes that of the checkpoint.
        model_backbone: what the model was made of; null takes its architecture.
        model_size: in words; null counts its parameters.
        model_release_date: when the model was released, such as 2026-01-31; nothing tells it but this.
        data_source: who evaluated the model.
        url: of the model, its paper or its code; nothing tells it but this.
    """

    modalities: list[str] = field(default_factory=list)
    task_names: dict[str, str] = field(default_factory=dict)
    model_name: str | None = None
    model_backbone: str | None = None
    model_size: str | None = None
    model_release_date: str | None = None
    data_source: str = "Self-Reported"
    url: str | None = None


@dataclass(kw_only=True)
class SuiteConfig:
    """Evaluation tasks. See `unite.evaluation.suite.Suite`.

    Attributes:
        name: the first part of the metric keys.
        tasks: name -> a task folder, the layout of a benchmark (see `unite.evaluation.layouts`), or a task in memory. "mean" and what
            begins with `mean_` are taken.
        only: names of tasks and groups; the others are not run, and named as such. Null runs all.
        held_in: the same tasks over training data, as a suite of their own.
        groups: name -> tasks, over each of which a mean is reported of its own, `suite/mean_<group>/metric`.
        data_root: where the folders are; in a world where there is one.
        decoding: how media are decoded.
        token_budget: tokens a micro-batch may hold, padding included.
        world: what builds the tasks before they are read; null where they are there.
        diagnose: look behind the recall, see `unite.evaluation.diagnosis`.
        leaderboard: the file for the benchmark's leaderboard; null writes none.

    Raises:
        ConfigError: if there is no task, a name is taken or holds a slash, a group or `only` names a task that is not there, or the
            leaderboard's file a group that is not there.
    """

    _target_: str = "unite.evaluation.suite.Suite"
    name: str
    tasks: dict[str, Any] = field(default_factory=dict)
    only: list[str] | None = None
    held_in: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    data_root: str = "${data_root}"
    decoding: Decoding = field(default_factory=Decoding)
    token_budget: int = 16384
    world: Any = None
    diagnose: bool = False
    leaderboard: LeaderboardConfig | None = None

    def __post_init__(self) -> None:
        taken = any(task == "mean" or task.startswith("mean_") for task in self.tasks)
        if not self.tasks or taken or any("/" in name for name in (self.name, *self.tasks, *self.groups)):
            expected = "at least one, named without slash, none of them 'mean' or 'mean_...'"
            raise ConfigError(must_be(f"the tasks of suite {self.name}", expected, ", ".join(self.tasks)))
        for group, names in self.groups.items():
            for name in names:
                if name not in self.tasks:
                    raise ConfigError(must_be_one_of(f"a task of group {group} of suite {self.name}", self.tasks, name))
        if self.only is not None and not self.only:
            raise ConfigError(must_be("suite.only", "at least one of the suite's tasks and groups, or null for all", "[]"))
        for name in self.only or ():
            if name not in self.tasks and name not in self.groups:
                raise ConfigError(must_be_one_of("a name in suite.only", [*self.tasks, *self.groups], name))
        for name in self.leaderboard.modalities if self.leaderboard else ():
            if name not in self.groups:
                raise ConfigError(must_be_one_of("a name in suite.leaderboard.modalities", self.groups, name))


@dataclass(kw_only=True)
class MtebSuiteConfig:
    """Tasks and benchmarks of mteb. See `unite.evaluation.mteb_suite.MtebSuite`.

    Attributes:
        name: the first part of the metric keys.
        tasks: names of mteb's tasks (`STS12`) and benchmarks (`MIEB(lite)`), or tasks of one's own.
        languages: ISO 639-3 codes; null is all.
        instructions: whether queries get mteb's instructions.
        reading: what the encoder is to read otherwise than its checkpoint says, in python -m unite.evaluate; encoder.override wins.
        decoding: how media are decoded.
        token_budget: tokens a micro-batch may hold, padding included.
    """

    _target_: str = "unite.evaluation.mteb_suite.MtebSuite"
    name: str = "mteb"
    tasks: list[Any] = field(default_factory=list)
    languages: list[str] | None = None
    instructions: bool = True
    reading: ReadingChange = field(default_factory=ReadingChange)
    decoding: Decoding = field(default_factory=Decoding)
    token_budget: int = 16384


@dataclass(kw_only=True)
class PairsSuiteConfig:
    """Shards of pairs as tasks. See `unite.evaluation.pairs_suite.PairsSuite`.

    Attributes:
        name: the first part of the metric keys.
        shards: a folder of .tar shards, one with source/pair folders as unite.curate writes them, or a glob; one task a folder.
        back: also from the positives to the queries, as tasks named `..._back`.
        max_queries: at most so many queries a task, evenly spread, among all candidates; null is all.
        metrics: of each task, the first is the main one; those with a k above the number of candidates are left out.
        decoding: how media are decoded.
        token_budget: tokens a micro-batch may hold, padding included.
        diagnose: look behind the recall, see `unite.evaluation.diagnosis`.

    Raises:
        ConfigError: if there is no metric, or max_queries is below 1.
    """

    _target_: str = "unite.evaluation.pairs_suite.PairsSuite"
    name: str = "pairs"
    shards: str
    back: bool = False
    max_queries: int | None = None
    metrics: list[str] = field(default_factory=lambda: ["hit@1", "hit@5", "hit@10", "mrr", "ndcg@10"])
    decoding: Decoding = field(default_factory=Decoding)
    token_budget: int = 16384
    diagnose: bool = False

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ConfigError(must_be("suite.metrics", "at least one", "none"))
        if self.max_queries is not None and self.max_queries < 1:
            raise ConfigError(must_be("suite.max_queries", "at least 1, or null for all", self.max_queries))


@dataclass(kw_only=True)
class EvaluateConfig:
    """`python -m unite.evaluate`.

    Attributes:
        name: the folder in `runs_root` that the run's folder lies in.
        checkpoint: a run folder, an exported encoder's folder or a hub name.
        data_root: where data lie and are built.
        runs_root: where run folders lie.
        run_folder: of this run; a new one by default.
        world: the built-in data, where the suite is of them.
        encoder: how the encoder runs; what it reads contents with, its folder brings.
        suite: what is evaluated.
        device: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:<number>`.
        cache: where embeddings are kept for the next evaluation of the same encoder: by default in the user's cache folder
            ($UNITE_CACHE, else unite in $XDG_CACHE_HOME or ~/.cache); null keeps none.
        feature_cache: where features of a tower are kept that other encoders have too; by default nowhere.
    """

    name: str = "evaluate"
    checkpoint: str
    data_root: str = "data"
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"
    world: WorldConfig = field(default_factory=WorldConfig)
    encoder: Any = None
    suite: Any = None
    device: str = "auto"
    cache: str | None = "${user_cache:embeddings}"
    feature_cache: FeatureCacheConfig = field(default_factory=FeatureCacheConfig)
