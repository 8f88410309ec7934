"""Packing contents into micro-batches by tokens instead of by rows.

Sorted by length and cut so that (contents x longest) stays within a budget, contents of like length stand together: hardly any padding, and
a bound on memory that holds for one long video as for a hundred short texts. Of all such cuts the cheapest is taken: more micro-batches are
less padding, but each costs something of its own.

Contents begin with the same words: the prompt's, and often an instruction. Where no gradient is asked they are read once a micro-batch
(`shared_beginning`), which is a third to a half of a short text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unite.batch import EncodedContent
from unite.errors import DataError, must_be

#: What a micro-batch costs beside its tokens, in tokens: micro-batches pass together, so it is a call of attention in each layer. With 64
#: the step is 1 to 2 % slower, and up to 6 % of its tokens are padding; with 16 up to 2.4 % (batches of 32 of the built-in mixture).
OVERHEAD = 16


def check_budget(num_tokens: int, token_budget: int, name: str) -> None:
    """Raises DataError, in which it is called `name`, if a content alone is larger than the budget."""
    if num_tokens > token_budget:
        hint = (
            "Raise the budget, or lower encoder.max_length to it; media are made smaller by the encoder's pixel caps and by fewer frames."
        )
        found = f"{num_tokens} tokens ({name})"
        raise DataError(must_be("a content", f"at most data.token_budget ({token_budget}) tokens long", found, hint))


def plan_micro_batches(lengths: Sequence[int], token_budget: int, overhead: int = OVERHEAD) -> list[list[int]]:
    """Groups contents into micro-batches of at most `token_budget` tokens, padding included.

    Args:
        lengths: (U,) tokens of each content, text and visual together.
        token_budget: the most tokens a micro-batch may hold once padded.
        overhead: what each costs beside its tokens, in tokens.

    Returns:
        Lists of indices into `lengths`, longest contents first (so that a too small memory shows at once); every index in exactly one list.

    Raises:
        DataError: if a content alone is larger than the budget.
    """
    order = sorted(range(len(lengths)), key=lambda content: (-lengths[content], content))
    if order:
        check_budget(lengths[order[0]], token_budget, f"content {order[0]}")
    longest = [lengths[content] for content in order]
    sizes = np.array(longest, dtype=np.int64)
    # The cost of the first `end` contents is the least, over where the last micro-batch of them begins, of what stands before that and of
    # (end - start) times the length of its first, to which it is padded: base[start] + end * sizes[start].
    base = np.zeros(len(order), dtype=np.int64)
    begins = [0] * (len(order) + 1)
    earliest = least = 0
    for end in range(1, len(order) + 1):
        base[end - 1] = least - (end - 1) * longest[end - 1] + overhead
        while (end - earliest) * longest[earliest] > token_budget:
            earliest += 1
        costs = base[earliest:end] + end * sizes[earliest:end]
        best = int(costs.argmin())
        begins[end], least = earliest + best, int(costs[best])
    plan: list[list[int]] = []
    end = len(order)
    while end:
        plan.append(order[begins[end] : end])
        end = begins[end]
    return plan[::-1]


def shared_beginning(encoded: Sequence[EncodedContent]) -> int:
    """Returns how many tokens of text all contents begin with alike; each keeps at least one of its own."""
    most = min(content.num_tokens for content in encoded) - 1
    ids = np.stack([content.input_ids.numpy()[:most] for content in encoded])
    types = np.stack([content.token_types.numpy()[:most] for content in encoded if content.media] or [np.zeros(most)])
    alike = (ids == ids[0]).all(axis=0) & (types == 0).all(axis=0)
    return int(alike.cumprod().sum())


def padded_share(plan: Sequence[Sequence[int]], lengths: Sequence[int]) -> float:
    """Returns the share of tokens that are padding, 0 to 1."""
    padded = sum(len(group) * max(lengths[content] for content in group) for group in plan)
    return 1.0 - sum(lengths) / padded if padded else 0.0
