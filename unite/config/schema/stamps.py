"""`python -m unite.worlds.stamps`."""

from __future__ import annotations

from dataclasses import dataclass, field

from unite.config.schema.curation import CurateConfig
from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class StampsConfig:
    """`python -m unite.worlds.stamps`. See `unite.worlds.stamps`.

    Attributes:
        name: the folder in `runs_root` that keeps the log.
        data_root: the set is made in its folder `stamps`.
        cache: what is fetched, drawn and curated is kept there, so that another set needs no network; by default the user's
            ($UNITE_CACHE, else unite in $XDG_CACHE_HOME or ~/.cache).
        collections: of pictures, some of tuxpaint, emoji, openmoji and clipart.
        animations: parts of the animated emoji that are fetched too, of 1 to 4, 165 to 200 MB each; none by default.
        languages: of translations, ISO 639-1 codes.
        side: of the pictures, in pixels.
        test_share: of concepts that are held out.
        num_translations: that training shows of a picture; tests have all.
        seed: another seed, other concepts held out.
        curation: the recipes and steps, as `python -m unite.curate` has them.
        runs_root: where the folders of logs lie.
        run_folder: of this run's log; a new one by default.
    """

    name: str = "stamps"
    data_root: str = "data"
    cache: str | None = "${user_cache:stamps}"
    collections: list[str] = field(default_factory=lambda: ["tuxpaint", "emoji", "openmoji", "clipart"])
    animations: list[int] = field(default_factory=list)
    languages: list[str] = field(
        default_factory=lambda: ["da", "de", "es", "fi", "fr", "hu", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "uk", "zh"]
    )
    side: int = 224
    test_share: float = 0.3
    num_translations: int = 4
    seed: int = 0
    curation: CurateConfig = field(default_factory=lambda: CurateConfig(out="${..cache}/curated"))
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"

    def __post_init__(self) -> None:
        if not 0 < self.test_share < 1:
            raise ConfigError(must_be("test_share", "above 0 and below 1", self.test_share))
        for name, least in (("side", 28), ("num_translations", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise ConfigError(must_be(name, f"at least {least}", getattr(self, name)))
