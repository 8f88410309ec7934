"""What can be configured: every key, its type, its default.

A misspelt key or a value of the wrong type fails when Hydra composes the config, with its full path, before anything heavy is imported.
A component's config carries `_target_`, the class it builds, so a class of the user's own can be named on the command line.
"""

from unite.config.schema.audit import AssociationConfig, AuditConfig, AuditOptions
from unite.config.schema.curation import CurateConfig, Engine
from unite.config.schema.data import DataConfig, MixtureConfig, SourceConfig
from unite.config.schema.embed import ColumnsConfig, CorpusFormat, CorpusOptions, EmbedConfig, Embedded
from unite.config.schema.encoder import (
    AssembledCheckpointConfig,
    EncoderConfig,
    LoRAConfig,
    Positions,
    Precision,
    ReadingConfig,
    TinyCheckpointConfig,
)
from unite.config.schema.evaluation import EvaluateConfig, MtebSuiteConfig, PairsSuiteConfig, SuiteConfig
from unite.config.schema.export import ExportConfig, ExportPrecision
from unite.config.schema.features import FeatureCacheConfig
from unite.config.schema.index import IndexConfig, IndexKind, IndexOptions
from unite.config.schema.media import Decoding, MediaPolicy
from unite.config.schema.objective import InfoNCEConfig, MAMCLConfig, MatryoshkaConfig, ObjectiveConfig
from unite.config.schema.optimizer import AdafactorConfig, AdamW8bitConfig, AdamWConfig, MuonConfig
from unite.config.schema.plan import PlanConfig
from unite.config.schema.prompt import PromptConfig
from unite.config.schema.serving import ServeConfig
from unite.config.schema.stamps import StampsConfig
from unite.config.schema.sweep import JobSweeperConfig, Keep, ProcessLauncherConfig, SearchConfig, SweepConfig
from unite.config.schema.training import FeaturesBeyond, LoggerConfig, StageConfig, TrainConfig, TrainerConfig, WandbMode
from unite.config.schema.validation import Export, HeldOutConfig, ValidationConfig
from unite.config.schema.vectors import Vectors
from unite.config.schema.world import EmojiHardConfig, EmojiUnseenConfig, PeopleWorldConfig, StampsWorldConfig, WorldConfig

__all__ = [
    "AdafactorConfig",
    "AdamW8bitConfig",
    "AdamWConfig",
    "AssembledCheckpointConfig",
    "AssociationConfig",
    "AuditConfig",
    "AuditOptions",
    "ColumnsConfig",
    "CorpusFormat",
    "CorpusOptions",
    "CurateConfig",
    "DataConfig",
    "Decoding",
    "EmbedConfig",
    "Embedded",
    "EmojiHardConfig",
    "EmojiUnseenConfig",
    "EncoderConfig",
    "Engine",
    "EvaluateConfig",
    "Export",
    "ExportConfig",
    "ExportPrecision",
    "FeatureCacheConfig",
    "FeaturesBeyond",
    "HeldOutConfig",
    "IndexConfig",
    "IndexKind",
    "IndexOptions",
    "InfoNCEConfig",
    "JobSweeperConfig",
    "Keep",
    "LoRAConfig",
    "LoggerConfig",
    "MAMCLConfig",
    "MatryoshkaConfig",
    "MediaPolicy",
    "MixtureConfig",
    "MtebSuiteConfig",
    "MuonConfig",
    "ObjectiveConfig",
    "PairsSuiteConfig",
    "PeopleWorldConfig",
    "PlanConfig",
    "Positions",
    "Precision",
    "ProcessLauncherConfig",
    "PromptConfig",
    "ReadingConfig",
    "SearchConfig",
    "ServeConfig",
    "SourceConfig",
    "StageConfig",
    "StampsConfig",
    "StampsWorldConfig",
    "SuiteConfig",
    "SweepConfig",
    "TinyCheckpointConfig",
    "TrainConfig",
    "TrainerConfig",
    "ValidationConfig",
    "Vectors",
    "WandbMode",
    "WorldConfig",
]
