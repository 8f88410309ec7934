"""Which members of a tar make a sample, for shards of rows and for other people's tars alike.

The rule is webdataset's: a member's key is its path up to the first dot of its file name, what follows is its extension.

    a/my.cat.txt    member `cat.txt` of sample `a/my`

webdataset takes members that follow one another. But plain tar writes files as the folder happens to list them, so here the members of one
key are one sample wherever they lie, unless an extension (in any case, as for webdataset) would be there twice: then each run of members is
a sample of its own, which is what webdataset makes of them. A sample that has a member twice in one run says so; webdataset ends there.

What belongs to no sample is named with the reason: links, hidden files, names without a dot.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from unite.data.tar_members import Leftover, Member

#: Folders of macOS, of tars that an old tar unpacked, of webdataset itself.
_NOT_DATA = re.compile(r"(?:^|/)(?:__MACOSX|PaxHeaders(?:\.\d+)?)/|^__[^/]*__(?:/|$)")


@dataclass(frozen=True, slots=True)
class Sample:
    """The members of one key, in their order.

    Attributes:
        key: the path up to the first dot of the file name.
        members: (extension, where), the extension as it is written.
    """

    key: str
    members: tuple[tuple[str, Member], ...]

    @property
    def twice(self) -> list[str]:
        """Extensions that are there more than once, but for their case."""
        names = [extension.lower() for extension, _ in self.members]
        return [name for name, count in Counter(names).items() if count > 1] if len(set(names)) < len(names) else []


def group(members: Iterable[Member]) -> tuple[list[Sample], list[Leftover]]:
    """Groups the members of a tar into samples, each where its first member lies."""
    left: list[Leftover] = []
    keyed: list[tuple[str, list[tuple[str, Member]]]] = []
    for member in members:
        folder, slash, name = member.name.rpartition("/")
        stem, dot, extension = name.partition(".")
        if not stem or not dot or _NOT_DATA.search(member.name):
            left.append(Leftover(member.name, _why(member.name)))
            continue
        key = folder + slash + stem
        if keyed and keyed[-1][0] == key:
            keyed[-1][1].append((extension, member))
        else:
            keyed.append((key, [(extension, member)]))
    runs = [Sample(key, tuple(of)) for key, of in keyed]
    of_key: dict[str, list[Sample]] = {}
    for run in runs:
        of_key.setdefault(run.key, []).append(run)
    if len(of_key) == len(runs):
        return runs, left
    samples = []
    for run in runs:
        whole = Sample(run.key, tuple(member for other in of_key[run.key] for member in other.members))
        if run is of_key[run.key][0] or whole.twice:
            samples.append(run if whole.twice else whole)
    return samples, left


def _why(name: str) -> str:
    if _NOT_DATA.search(name):
        return "not data, but what another program keeps beside it"
    return "a hidden file" if name.rpartition("/")[2].startswith(".") else "a name without a dot"
