"""The exponential moving average of the weights that are trained.

    each step      average = decay * average + (1 - decay) * weights      (torch's own AveragedModel; after the first step, the weights)
    validation     with average.in_place(): the module holds the average, what is kept as best holds it too
    checkpoint     the weights, and the average beside them
    at the end     the average is exported

Of adapters it is their two factors that are averaged, not their product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from unite.errors import CheckpointError, must_be


class WeightAverage:
    """Averages the parameters of a module that are trained. No module itself, so that it is not trained, moved or saved with that one.

    Args:
        module: what is trained.
        decay: share that the average keeps of itself at each step.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._trained = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
        self._decay = decay
        self._averaged: AveragedModel | None = None
        self.is_in_place = False

    def update(self) -> None:
        """Takes up the weights of a step."""
        self._model().update_parameters(nn.ParameterList(self._trained.values()))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Gives the module the average while the block runs."""
        self._swap()
        self.is_in_place = True
        try:
            yield
        finally:
            self._swap()
            self.is_in_place = False

    def take(self) -> None:
        """Gives the module the average for good."""
        self._swap()
        self._averaged = None

    def state_dict(self) -> dict[str, Tensor]:
        """Returns the average by the parameters' names, and how many steps it is of."""
        model = self._model()
        named = zip(self._trained, model.module.parameters(), strict=True)
        return {"n_averaged": model.n_averaged, **{name: parameter.detach() for name, parameter in named}}

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> None:
        """Takes up a saved average.

        Raises:
            CheckpointError: if it is of other parameters.
        """
        if set(state_dict) != {"n_averaged", *self._trained}:
            hint = "Resume with the run's own config."
            raise CheckpointError(must_be("the checkpoint's average", "of the parameters that are trained", "of others", hint))
        model = self._model()
        model.n_averaged.copy_(state_dict["n_averaged"])
        with torch.no_grad():
            for name, parameter in zip(self._trained, model.module.parameters(), strict=True):
                parameter.copy_(state_dict[name])

    def _model(self) -> AveragedModel:
        """Returns the average; made on first use, and moved along where the parameters were moved."""
        if self._averaged is None:
            weights = nn.ParameterList(self._trained.values())
            self._averaged = AveragedModel(weights, multi_avg_fn=get_ema_multi_avg_fn(self._decay))
        device = next(iter(self._trained.values())).device
        return self._averaged.to(device)

    def _swap(self) -> None:
        """Swaps the average and the weights. They are swapped as they are, without a copy: optimizers hold parameters, not their data."""
        model = self._model()
        if model.n_averaged == 0:
            return
        for parameter, average in zip(self._trained.values(), model.module.parameters(), strict=True):
            parameter.data, average.data = average.data, parameter.data
