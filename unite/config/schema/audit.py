"""`python -m unite.audit`."""

from __future__ import annotations

from dataclasses import dataclass, field

from unite.config.schema.evaluation import EvaluateConfig
from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class AssociationConfig:
    """Two groups of candidates and two lists of words. See `unite.evaluation.audit.association`.

    Attributes:
        attribute: whose groups are meant.
        groups: two of them; an effect above 0 says that the first is nearer to the first words.
        words: two lists by name; each word is a text as the encoder reads it, without an instruction.
        only: attribute -> group; only candidates of these groups are looked at. Empty is all.

    Raises:
        ConfigError: if the groups are not two different ones, or the words not two lists with a word each.
    """

    attribute: str
    groups: list[str]
    words: dict[str, list[str]]
    only: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.groups)) != 2 or len(self.groups) != 2:
            raise ConfigError(must_be("an association's groups", "two different ones", ", ".join(self.groups) or "none"))
        if len(self.words) != 2 or not all(self.words.values()):
            given = ", ".join(f"{name} ({len(several)})" for name, several in self.words.items())
            raise ConfigError(must_be("an association's words", "two lists with at least one word each", given or "none"))


@dataclass(kw_only=True)
class AuditOptions:
    """What an audit looks at. See `unite.evaluation.audit`.

    Attributes:
        ks: the k of R@k and skew@k, the main one first; none above the candidates with a label in the smallest pool.
        attributes: which attributes of the labels; null is all.
        only: attribute -> group; candidates of other groups count as without labels. Empty is all.
        associations: by name, of groups with words; `association=none` asks for none.
        num_resamples: of each interval.

    Raises:
        ConfigError: if there is no k, one is below 1, or the resamples are fewer than 100.
    """

    ks: list[int] = field(default_factory=lambda: [1, 5, 10])
    attributes: list[str] | None = None
    only: dict[str, str] = field(default_factory=dict)
    associations: dict[str, AssociationConfig] = field(default_factory=dict)
    num_resamples: int = 5000

    def __post_init__(self) -> None:
        if not self.ks or min(self.ks) < 1:
            raise ConfigError(must_be("audit.ks", "one or more numbers from 1", ", ".join(map(str, self.ks)) or "none"))
        if self.num_resamples < 100:
            raise ConfigError(must_be("audit.num_resamples", "at least 100", self.num_resamples))


@dataclass(kw_only=True)
class AuditConfig(EvaluateConfig):
    """`python -m unite.audit`: the options of `python -m unite.evaluate`, and what is looked at.

    Attributes:
        audit: what an audit looks at.
    """

    name: str = "audit"
    audit: AuditOptions = field(default_factory=AuditOptions)
