"""The layers of a model: what is gathered at once where weights are sharded."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn


def layers_of(module: nn.Module) -> Iterator[nn.Module]:
    """Yields the items of the outermost lists of modules: the layers of the language model and of the towers."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        else:
            yield from layers_of(child)
