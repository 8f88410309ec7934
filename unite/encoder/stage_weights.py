"""A model's weights while a stage trains them.

stage begins    frozen layers in 4 bits, if that is asked for; fresh adapters; what is trained in float32
stage ends      adapters merged into the weights, and all of them in the encoder's own type again
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from unite.config.schema.encoder import EncoderConfig
from unite.encoder.adapters import add_lora, has_lora, merge_lora
from unite.encoder.families.family import Family
from unite.encoder.quantised import Quantised, frozen_layers, unloaded
from unite.encoder.trained import trained_of
from unite.errors import CheckpointError, must_be

log = logging.getLogger(__name__)


class StageWeights:
    """What of a model is trained, from a stage's beginning to its end.

    Args:
        model: of transformers, without adapters. Its parts are replaced in it.
        family: the model's.
        config: the encoder's options.

    Attributes:
        trained: names of what is trained.

    Raises:
        ConfigError: if a name in the options means nothing in the model, or nothing would be trained.
    """

    def __init__(self, model: Any, family: Family, config: EncoderConfig) -> None:
        self.model = model
        self.family = family
        self.config = config
        self._widened: list[nn.Parameter] = []
        self._quantised: Quantised | None = None
        self._choose(config)

    def begin(self, config: EncoderConfig) -> None:
        """Makes the model ready for a stage, with fresh adapters if the options name some.

        Until it ends, what is trained is float32, whatever the weights' type: in bfloat16, of 8 bits, most steps of an optimizer are lost.

        Args:
            config: the encoder's options, with what this stage freezes.

        Raises:
            CheckpointError: if the adapter of the stage before is not merged.
            ConfigError: as the class.
        """
        self.check_merged("before another adapter is added")
        self._choose(config)
        if config.quantization is not None:
            layers = frozen_layers(self.model, self.family.language_model, self.trained.whole)
            self._quantised = Quantised(self.model, layers, getattr(torch, config.dtype))
        if config.adapter is not None:
            for name, part in list(self.model.named_children()):
                layers = [layer.removeprefix(f"{name}.") for layer in self.trained.adapted if layer.startswith(f"{name}.")]
                if layers:
                    setattr(self.model, name, add_lora(part, config.adapter, layers))
        for parameter in self._whole:  # peft has frozen all but its own
            parameter.requires_grad_()
        self._widened = list(self._narrow_parts())
        for parameter in self._widened:
            parameter.data = parameter.data.float()
        count = sum(parameter.numel() for parameter in self.model.parameters() if parameter.requires_grad)
        log.info("%s parameters are trained: %s", f"{count:,}", self.trained.told(self.family))

    def end(self) -> None:
        """Merges the adapters, if there are some, into the weights, and gives what was trained its own type again."""
        dtype = getattr(torch, self.config.dtype)
        updates: dict[str, Tensor] = {}
        for name, part in list(self.model.named_children()):
            if self._quantised is None:
                setattr(self.model, name, merge_lora(part))
            else:
                plain, of_part = unloaded(part)
                setattr(self.model, name, plain)
                updates |= {f"{name}.{layer}": update for layer, update in of_part.items()}
        if self._quantised is not None:
            self._quantised.restore(self.model, updates, dtype)
            self._quantised = None
        for parameter in self._widened:
            parameter.data = parameter.data.to(dtype)
        self._widened = []

    def check_merged(self, when: str) -> None:
        """Raises CheckpointError if adapters are not merged yet."""
        if any(has_lora(part) for part in self.model.children()):
            raise CheckpointError(must_be("the encoder's adapter", f"merged {when}", "not merged", "Call merge_adapter() first."))

    def _choose(self, config: EncoderConfig) -> None:
        """Says what is trained, of a model without adapters."""
        self.trained = trained_of(self.model, self.family, config)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name in self.trained.whole)
        self._whole = [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def _narrow_parts(self) -> Iterator[nn.Parameter]:
        """Yields the weights, of less than float32, of the parts of which some are trained whole; peft keeps adapters in float32."""
        whole = set(map(id, self._whole))
        for part in self.model.children():
            if any(id(parameter) in whole for parameter in part.parameters()):
                yield from (parameter for parameter in part.parameters() if parameter.dtype == torch.bfloat16)
