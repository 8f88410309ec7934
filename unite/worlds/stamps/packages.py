"""The packages that hold the collections, and under which licence they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unite.errors import ConfigError, must_be, must_be_one_of


@dataclass(frozen=True)
class Package:
    """A package, and what was fetched when the set was tried.

    Attributes:
        name: as the client knows it.
        client: `apt` or `npm`.
        version: of npm the one that is asked for; of apt the one that was tried, for a distribution has its own.
        sha256: of the archive of that version.
        licence: of what is in it, an SPDX identifier.
        of: whose work it is.
        megabytes: to be fetched.
    """

    name: str
    client: str
    version: str
    sha256: str
    licence: str
    of: str
    megabytes: int


TUXPAINT = Package(
    "tuxpaint-stamps-default",
    "apt",
    "2022.06.04-1",
    "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    "GPL-2.0-only",
    "Bill Kendrick and the Tux Paint contributors",
    161,
)
CLIPART = Package(
    "openclipart-svg",
    "apt",
    "1:0.18+dfsg-19",
    "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5",
    "LicenseRef-public-domain",
    "the Open Clip Art Library",
    25,
)
FLUENT = Package(
    "@lobehub/fluent-emoji-3d",
    "npm",
    "1.1.0",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    "MIT",
    "Microsoft, packed by LobeHub",
    16,
)
OPENMOJI = Package(
    "openmoji",
    "npm",
    "17.0.0",
    "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68",
    "CC-BY-SA-4.0",
    "the OpenMoji project",
    5,
)
NAMES = Package(
    "emojibase-data",
    "npm",
    "17.0.0",
    "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    "MIT",
    "emojibase, from Unicode's CLDR",
    7,
)
_ANIMATED = {
    1: Package(
        "@lobehub/fluent-emoji-anim-1",
        "npm",
        "1.0.0",
        "4c03ac178c1eabf2e2a16dd498f3cc2b92dc30ec3466ae38fdc497d4774c99ea",
        "MIT",
        "Microsoft, packed by LobeHub",
        165,
    ),
    **{
        part: Package(f"@lobehub/fluent-emoji-anim-{part}", "npm", "1.0.0", "", "MIT", "Microsoft, packed by LobeHub", 180)
        for part in (2, 3, 4)
    },
}


#: Collection of pictures -> its packages, in the order in which their copies are looked for.
_OF = {"tuxpaint": (TUXPAINT,), "emoji": (FLUENT, NAMES), "openmoji": (OPENMOJI, NAMES), "clipart": (CLIPART,)}
COLLECTIONS = tuple(_OF)


def animated() -> tuple[Package, ...]:
    """Returns the packages of the animations, in the order of their parts."""
    return tuple(_ANIMATED.values())


def packages(collections: Sequence[str], animations: Sequence[int] = ()) -> tuple[Package, ...]:
    """Returns the packages of some collections, with some parts of the animations.

    Raises:
        ConfigError: if there is no such collection or part, or none at all is wanted.
    """
    unknown = [name for name in collections if name not in _OF]
    if unknown:
        raise ConfigError(must_be_one_of("collections", COLLECTIONS, unknown[0]))
    wrong = [part for part in animations if part not in _ANIMATED]
    if wrong:
        raise ConfigError(must_be("animations", f"a list of some of the parts {list(_ANIMATED)}", list(animations)))
    if not collections:
        raise ConfigError(must_be("collections", f"some of {', '.join(COLLECTIONS)}", list(collections)))
    parts = [_ANIMATED[part] for part in sorted(set(animations))]
    wanted = [package for name in COLLECTIONS if name in collections for package in _OF[name]]
    return tuple(dict.fromkeys([*wanted, *parts, *([NAMES] if parts else [])]))
