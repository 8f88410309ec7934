"""What a caption names, in one form whoever wrote it: by it concepts are split into those trained on and those tested."""

from __future__ import annotations

import re
import unicodedata

from unite.types import fingerprint

#: Who does it is no part of what is done: `woman running` and `man running` are drawn alike.
_WHO = re.compile(r"\b(?:(?:wo)?m[ae]n|persons?|people|male|female)\b")
_ARTICLE = re.compile(r"^(?:an?|the|some)\s+")
_NUMBER = re.compile(r"\s*[#(]?\b\d+\)?$")
_LONGEST = 80


def concept_of(caption: str) -> str:
    """Returns the concept of an English caption, in lower case: `A fly.`, `fly 2` and `Fly` are of `fly`.

    An article, punctuation, a number at the end and who does it (`woman`, `man`, `person`) are no part of it, unless nothing else is there.
    """
    text = re.sub(r"[^\w\s#()-]+", " ", unicodedata.normalize("NFKC", caption).casefold())
    text = _ARTICLE.sub("", " ".join(text.split()))
    for pattern in (_NUMBER, _WHO):
        text = " ".join(pattern.sub(" ", text).split()) or text
    text = " ".join(re.sub(r"[#()_-]+", " ", text).split()) or text
    return text[:_LONGEST]


def is_held_out(concept: str, seed: int, share: float) -> bool:
    """Whether a concept is tested and never trained on: about `share` of all are. It depends on nothing but the concept and the seed."""
    return bool(fingerprint("concept", str(seed), concept) % 1_000_000 < share * 1_000_000)
