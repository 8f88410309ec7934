"""A part of a task's contents, changed or not, none read before it has to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from unite.embedding.lazy import LazyContent, decoded, key_of
from unite.media import kind_of
from unite.types import PLACES, Content, fingerprint


class Picked(Sequence[Content | LazyContent]):
    """Some of the contents.

    Args:
        contents: all of them.
        places: (n,) which to pick.
        change: makes another content of each; it gets them decoded.
    """

    def __init__(
        self, contents: Sequence[Content | LazyContent], places: Sequence[int], change: Callable[[Content], Content] | None = None
    ) -> None:
        self.contents = contents
        self.places = places
        self.change = change

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, at: int) -> Content | LazyContent:  # type: ignore[override]  # no slices: they would read all at once
        content = self.contents[self.places[at]]
        if self.change is None:
            return content
        return ChangedContent(content, self.change)


class ChangedContent(LazyContent):
    """A content that is changed when it is decoded.

    Args:
        content: what to change.
        change: a function that has a name: this one is known by it and by the content's key.
    """

    def __init__(self, content: Content | LazyContent, change: Callable[[Content], Content]) -> None:
        self.content = content
        self.change = change
        self.name = f"{content.name if isinstance(content, LazyContent) else 'a content'} {change.__name__.replace('_', ' ')}"
        self._key = fingerprint("changed", change.__name__, str(key_of(content)))

    @cached_property
    def fingerprint(self) -> int:
        """That of the changed content: two that become equal are embedded once."""
        return self._changed.fingerprint

    def decode(self) -> Content:
        """Returns the changed content."""
        return self._changed

    @cached_property
    def _changed(self) -> Content:
        return self.change(decoded(self.content))


def spread(num: int, most: int) -> list[int]:
    """Returns at most `most` of the places 0 to num - 1, evenly spread."""
    return sorted(set(np.linspace(0, num - 1, min(num, most)).round().astype(int).tolist()))


def without_medium(content: Content) -> Content:
    """Returns the content with media of the same measures that show nothing; text and instruction stay."""
    return replace(content, media=tuple(kind_of(medium.modality).blank(medium) for medium in content.media))


def without_text(content: Content) -> Content:
    """Returns the content without its text; media and instruction stay. A text alone stays as it is: nothing would be left of it."""
    return replace(content, text="".join(PLACES.findall(content.text))) if content.media else content
