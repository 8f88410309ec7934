"""What `python -m unite.audit` builds: the suite whose tasks have labels, and what is looked at."""

from __future__ import annotations

from typing import Any, cast

from omegaconf import OmegaConf

from unite.build.suites import build_suite
from unite.config.schema import AuditConfig, AuditOptions, MtebSuiteConfig
from unite.errors import ConfigError, must_be
from unite.evaluation.suite import Suite


def build_audited(config: AuditConfig) -> Suite:
    """Builds the suite, after its world if it has one; of shards of pairs, the suite of their tasks.

    Raises:
        ConfigError: if there is none, or it is one whose candidates have no labels.
    """
    expected = "one with labels: people, pairs, or a suite of task folders"
    if config.suite is None or config.suite.get("_target_") == MtebSuiteConfig._target_:
        raise ConfigError(must_be("suite", expected, "null" if config.suite is None else "mteb's, whose candidates have none"))
    built: Any = build_suite(config.suite, "suite")
    suite = built if isinstance(built, Suite) else getattr(built, "suite", None)
    if not isinstance(suite, Suite):
        raise ConfigError(must_be("suite", expected, type(built).__name__))
    return suite


def build_options(config: AuditConfig) -> AuditOptions:
    """Returns what is looked at, as its dataclass."""
    return cast(AuditOptions, OmegaConf.to_object(cast(Any, config.audit)))
