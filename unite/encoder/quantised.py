"""Frozen weights in 4 bits while adapters are trained on them: QLoRA (Dettmers et al., arXiv 2305.14314), by bitsandbytes.

    stage begins    linear layers -> NF4, their scales in 8 bits (double quantisation); what it rounds is told
    training        a layer's weights are made anew for each pass, in the type that is computed in
    stage ends      weights = those that NF4 stands for + the adapter's update, in the encoder's own type

So what is exported is the encoder that was trained, whole, and the next stage rounds it anew.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from unite.errors import ConfigError

log = logging.getLogger(__name__)


def import_bitsandbytes() -> Any:
    """Returns the package.

    Raises:
        ConfigError: if it cannot be imported; the message tells what to install.
    """
    try:
        import bitsandbytes
    except ImportError as error:
        why = f"encoder.quantization=nf4 needs bitsandbytes, which cannot be imported ({error}): pip install 'unite[bitsandbytes]'."
        raise ConfigError(f"{why} encoder.quantization=null keeps the weights in their own type.") from error
    return bitsandbytes


def frozen_layers(model: nn.Module, language_model: str, whole: Collection[str]) -> list[str]:
    """Returns the names of the linear layers that are held in 4 bits: those of the language model that are not trained themselves.

    Args:
        model: of transformers.
        language_model: the name of its part that is one.
        whole: names of the weights that are trained.
    """
    start = f"{language_model}."
    layers = (name for name, module in model.named_modules() if type(module) is nn.Linear and name.startswith(start))
    return [name for name in layers if f"{name}.weight" not in whole]


class Quantised:
    """Linear layers of a model in NF4, to be given back their place.

    Args:
        model: whose layers are replaced, in place.
        layers: names of plain linear layers in it.
        compute: the type that is computed in.
    """

    def __init__(self, model: nn.Module, layers: Collection[str], compute: torch.dtype) -> None:
        linear4bit = import_bitsandbytes().nn.Linear4bit
        self._plain: dict[str, nn.Linear] = {}
        error, total, before, after = 0.0, 0.0, 0, 0
        for name in sorted(layers):
            plain: Any = model.get_submodule(name)
            weight, device = plain.weight.data, plain.weight.device
            with torch.device("meta"):
                narrow = linear4bit(plain.in_features, plain.out_features, plain.bias is not None, compute, quant_type="nf4")
            narrow.weight = type(narrow.weight)(weight, requires_grad=False, quant_type="nf4", compress_statistics=True, module=narrow)
            narrow.bias = plain.bias
            # In evaluation on some CPUs it would write the weights anew, their scales in bfloat16: a look at them would change them.
            narrow.support_avx512bf16_for_cpu = False
            narrow = narrow.to(device)
            rounded = _weights(narrow).float()
            error += float((rounded - weight.float()).square().sum())
            total += float(weight.float().square().sum())
            before += weight.numel() * weight.element_size()
            after += narrow.weight.numel() * narrow.weight.element_size()
            _put(model, name, narrow)
            plain.weight = nn.Parameter(weight.new_empty(0), requires_grad=False)  # it keeps its place, and how it was made faster
            self._plain[name] = plain
        told = "%d layers hold their weights in NF4, %.1f MB instead of %.1f, which rounds them by %.1f%% of their norm"
        log.info(told, len(self._plain), after / 1e6, before / 1e6, 100 * (error / max(total, 1e-30)) ** 0.5)

    def restore(self, model: nn.Module, updates: Mapping[str, Tensor], dtype: torch.dtype) -> None:
        """Puts the plain layers back.

        Args:
            model: as it was given, without adapters.
            updates: (O, I) what an adapter adds to the weights of a layer, by its name.
            dtype: of the weights.
        """
        for name, plain in self._plain.items():
            narrow: Any = model.get_submodule(name)
            weight = _weights(narrow).float()
            if name in updates:
                weight += updates[name].to(weight.device, torch.float32)
            plain.weight = nn.Parameter(weight.to(dtype), requires_grad=False)
            plain.bias = narrow.bias
            _put(model, name, plain)
        self._plain = {}


def unloaded(module: nn.Module) -> tuple[nn.Module, dict[str, Tensor]]:
    """Returns a module without its adapters, and what each of them adds to the weights (O, I) of a layer in NF4, by the layer's name.

    Adapters of other layers, of the merger say, are merged.
    """
    if not isinstance(module, PeftModel):
        return module, {}
    kind = import_bitsandbytes().nn.Linear4bit
    updates = {}
    for name, layer in module.get_base_model().named_modules():
        if isinstance(layer, LoraLayer):
            adapted: Any = layer
            if isinstance(adapted.get_base_layer(), kind):
                updates[name] = adapted.get_delta_weight(adapted.active_adapters[0]).detach()
            else:
                adapted.merge()
    return module.unload(), updates


def _weights(narrow: Any) -> Tensor:
    """Returns the weights (O, I) that a layer in NF4 stands for."""
    found: Tensor = import_bitsandbytes().functional.dequantize_4bit(narrow.weight.data, narrow.weight.quant_state)
    return found


def _put(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, layer)
