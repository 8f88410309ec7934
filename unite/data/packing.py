"""Packing contents into micro-batches by tokens instead of by rows.

Sorted by length and cut so that (contents x longest) stays within a budget, contents of like length stand together: hardly any padding, and
a bound on memory that holds for one long video as for a hundred short texts.
"""

from __future__ import annotations

from collections.abc import Sequence

from unite.errors import DataError, must_be


def plan_micro_batches(lengths: Sequence[int], token_budget: int, names: Sequence[str] | None = None) -> list[list[int]]:
    """Groups contents into micro-batches of at most `token_budget` tokens, padding included.

    Args:
        lengths: (U,) tokens of each content, text and visual together.
        token_budget: the most tokens a micro-batch may hold once padded.
        names: (U,) what to call the contents in an error.

    Returns:
        Lists of indices into `lengths`, longest contents first (so that a too small memory shows at once); every index in exactly one list.

    Raises:
        DataError: if a content alone is larger than the budget.
    """
    order = sorted(range(len(lengths)), key=lambda content: (-lengths[content], content))
    if order and lengths[order[0]] > token_budget:
        largest = order[0]
        name = names[largest] if names else f"content {largest}"
        actual = f"{lengths[largest]} tokens ({name})"
        raise DataError(
            must_be(
                "a content",
                f"at most data.token_budget ({token_budget}) tokens long",
                actual,
                "Raise the budget or lower the encoder's pixel cap.",
            )
        )
    plan: list[list[int]] = []
    for content in order:
        # The first of a micro-batch is its longest: every later one is padded to it.
        if plan and (len(plan[-1]) + 1) * lengths[plan[-1][0]] <= token_budget:
            plan[-1].append(content)
        else:
            plan.append([content])
    return plan


def padded_share(plan: Sequence[Sequence[int]], lengths: Sequence[int]) -> float:
    """Returns the share of tokens that are padding, 0 to 1."""
    padded = sum(len(group) * max(lengths[content] for content in group) for group in plan)
    return 1.0 - sum(lengths) / padded if padded else 0.0
