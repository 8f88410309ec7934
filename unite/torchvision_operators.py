"""Makes torchvision importable where its compiled operators do not fit the torch that is installed.

A CPU build of torch beside torchvision's CUDA build fails with `operator torchvision::nms does not exist`, and with it torchmetrics,
Lightning, transformers' Qwen processors, sentence-transformers and timm. Registering the missing schemas mends the import; torchvision's
own decoders and `nms` stay unusable, and nothing here calls them.

`import unite` puts a finder in front of Python's own that knows one name; whoever imports torchvision afterwards finds it mended. Until
then nothing is imported, and a torchvision that imports by itself is left as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_LIBRARIES: list[Any] = []  # a schema lives as long as its library object


class TorchvisionFinder(MetaPathFinder):
    """Finds torchvision where Python does, to be executed by `execute`."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Returns the spec of torchvision, None for every other name."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname == "torchvision" else None
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = partial(execute, spec.loader.exec_module)  # type: ignore[method-assign]
        return spec


def execute(plain: Callable[[ModuleType], None], module: ModuleType) -> None:
    """Executes a module by `plain`; when, and only when, that fails for want of torchvision's operators, registers them and tries again."""
    try:
        plain(module)
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        import torch

        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _LIBRARIES.append(library)
        for name in [name for name in sys.modules if name.startswith(f"{module.__name__}.")]:
            del sys.modules[name]  # what the failed import left half done
        plain(module)


def mend_torchvision() -> None:
    """Puts the finder in front of Python's own, once."""
    if not any(isinstance(finder, TorchvisionFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, TorchvisionFinder())
