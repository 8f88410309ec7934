"""The temperature that divides similarities: fixed, or learned."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from unite.errors import ConfigError, must_be

#: Where a learned temperature stays: CLIP (arXiv 2103.00020, section 2.5) keeps logits from being scaled by more than 100.
LOWEST, HIGHEST = 0.01, 1.0


class Temperature(nn.Module):
    """A positive scalar. It always divides.

    A learned one is a parameter in log space, as CLIP's is, moved back into [LOWEST, HIGHEST] whenever it is read, so that it never sticks
    outside. A fixed one is taken as it is.

    Args:
        initial: the fixed value, or where learning starts.
        learnable: whether it is a parameter.

    Raises:
        ConfigError: if `initial` is not above 0, or where learning starts is outside [LOWEST, HIGHEST].
    """

    def __init__(self, initial: float, learnable: bool = False) -> None:
        super().__init__()
        if not (math.isfinite(initial) and initial > 0):
            raise ConfigError(must_be("objective.temperature", "a number above 0", initial))
        if learnable and not LOWEST <= initial <= HIGHEST:
            hint = "A learned temperature is kept in this range; start inside it, or fix it."
            raise ConfigError(must_be("objective.temperature", f"between {LOWEST} and {HIGHEST}", initial, hint))
        self.learnable = learnable
        if learnable:
            self.log_temperature = nn.Parameter(torch.tensor(math.log(initial), dtype=torch.float32))
        else:
            self.register_buffer("fixed", torch.tensor(initial, dtype=torch.float32), persistent=False)

    def forward(self) -> Tensor:
        """Returns the temperature, scalar float32."""
        if not self.learnable:
            return self.get_buffer("fixed").float()
        with torch.no_grad():
            self.log_temperature.clamp_(math.log(LOWEST), math.log(HIGHEST))
        return self.log_temperature.float().exp()
