"""Which way a logged value or metric is better."""

from __future__ import annotations

import re

#: Words in a key of which less is better; all else that is compared is better the higher it is.
_LESS = re.compile(
    r"(^|[/_])(loss|modality_gap|wrong_modality|uniformity|alignment|padded_share|cut_share|share_without_negatives)(\b|_|$)"
)
#: Of these neither way is.
_NEITHER = re.compile(
    r"^(source_|[^/]+/diagnostics/hits@|train/(learning_rate|temperature|num_negatives|source/[^/]+/samples_share)|validation/share_of_time)"
)
_OF_A_SOURCE = re.compile(r"^train/source/[^/]+/")  # whose name is the user's


def direction(key: str) -> str:
    """Returns `higher`, `lower`, or nothing where neither is better, of a key in the log or of an evaluation.

    `validation/text-to-image/recall@1` is better higher, `train/loss` and `emoji/diagnostics/modality_gap/t2i` lower.
    """
    if _NEITHER.match(key):
        return ""
    return "lower" if _LESS.search(_OF_A_SOURCE.sub("train/", key)) else "higher"
