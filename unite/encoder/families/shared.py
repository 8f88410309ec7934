"""What the layers of one forward pass share: the first that needs it makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from torch import Tensor

T = TypeVar("T")


class SharedByLayers:
    """Handed along to every layer of one pass, and forgotten with it.

    transformers makes positions and sequence lengths once a pass and hands the same tensors to all layers. What our layers make of such a
    tensor they make once, too: it may be a copy for all heads, or ask the device to wait.
    """

    def __init__(self) -> None:
        self._made: list[tuple[Tensor, Any]] = []  # two or three of them

    def made_of(self, source: Tensor, make: Callable[[], T]) -> T:
        """Returns what `make` makes of the tensor `source`, made once."""
        for known, made in self._made:
            if known is source:
                return made  # type: ignore[no-any-return]
        made = make()
        self._made.append((source, made))
        return made
