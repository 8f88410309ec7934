"""Makes torchvision importable where its compiled operators do not fit the torch that is installed.

A CPU build of torch beside torchvision's CUDA build fails with `operator torchvision::nms does not exist`, and with it torchmetrics,
Lightning and transformers' Qwen processors. Registering the missing schemas mends the import; torchvision's own decoders and `nms` stay
unusable, and nothing here calls them.
"""

from __future__ import annotations

import importlib
import sys

import torch

_LIBRARIES: list[torch.library.Library] = []  # a schema lives as long as its library object


def mend_torchvision() -> None:
    """Imports torchvision; when, and only when, that fails for want of its operators, registers their schemas and imports it again."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _LIBRARIES.append(library)
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]  # what the failed import left half done
        importlib.import_module("torchvision")
