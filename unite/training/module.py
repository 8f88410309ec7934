"""The LightningModule: encoder, objective and the contrastive step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from unite.batch import Batch
from unite.encoder.features import ALL_KEPT, FeatureBound
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError, TrainingError, must_be
from unite.training.optimizer import OptimizerBuilder
from unite.training.parallel import sum_gradients, sum_over_ranks
from unite.training.random_state import RandomState
from unite.training.sharding import is_sharded, part, total_norm
from unite.training.step import ContrastiveStep, StepOutput
from unite.training.weight_average import WeightAverage
from unite.types import fingerprint


class UniteModule(pl.LightningModule):
    """Trains an encoder with a contrastive objective.

    The step drives the backward passes itself (it may need several, see `step.py`), so optimization is manual. Only what is trained
    goes into a checkpoint: with LoRA on a 7B model that is megabytes.

    Args:
        encoder: maps a MicroBatch to (n, D) embeddings.
        objective: maps embeddings and Relations to an `ObjectiveOutput`; its parameters (a learnable temperature) are trained too.
        optimizer: builds the optimizer and the schedule.
        num_steps: length of the stage.
        graph_tokens: see `ContrastiveStep`.
        seed: of the random numbers of each step (dropout), which are a function of it, the step and the rank: a resumed run draws the same.
        step: the class of the step; another where weights are sharded.
        features, negligible: see `ContrastiveStep`.
    """

    def __init__(
        self,
        encoder: VLMEncoder,
        objective: nn.Module,
        optimizer: OptimizerBuilder,
        num_steps: int,
        graph_tokens: int | str,
        seed: int = 0,
        step: type[ContrastiveStep] = ContrastiveStep,
        features: FeatureBound = ALL_KEPT,
        negligible: float = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.strict_loading = False  # frozen weights come from the encoder's own folder, not from the checkpoint
        self.encoder = encoder
        self.objective = objective
        self.optimizer = optimizer
        self.num_steps = num_steps
        self.seed = seed
        self.step = step(encoder, objective, graph_tokens, features, negligible)
        self.average = None if optimizer.ema_decay is None else WeightAverage(self, optimizer.ema_decay)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Takes one optimizer step on a batch.

        A step whose gradient is not finite, as a half-precision overflow makes it, moves nothing; it counts as one, so that batches and
        schedule stay a function of the step.

        Returns:
            For the callbacks: `loss`, `gradient_norm` before clipping (both of the global batch), `step`, a `StepOutput`, and `is_taken`.
        """
        torch.manual_seed(fingerprint(f"{self.seed} {self.global_step} {self.global_rank}"))
        optimizer = cast(LightningOptimizer, self.optimizers())
        optimizer.zero_grad(set_to_none=True)
        output = self._pass(batch, optimizer)
        sum_gradients(self.parameters())
        norm = self._clip()
        is_taken = bool(torch.isfinite(norm))  # of the summed gradients: the same on every rank
        if not is_taken:
            optimizer.zero_grad(set_to_none=True)  # an optimizer passes over what has no gradient
        optimizer.step()
        if is_taken and self.average is not None:
            self.average.update()
        cast(LRScheduler, self.lr_schedulers()).step()
        return {"loss": output.loss, "gradient_norm": norm, "step": output, "is_taken": is_taken}

    def _pass(self, batch: Batch, optimizer: LightningOptimizer) -> StepOutput:
        """Has the step pass a batch; where a GPU's memory does not suffice and less of it can be taken, once more with less."""
        rng = RandomState(batch.micro_batches[0].input_ids.device)
        while True:
            try:
                return self.step(batch, self.manual_backward)
            except torch.OutOfMemoryError as error:
                self.step.take_less(batch, error)
            # Past the exception, whose frames hold the tensors of the step.
            optimizer.zero_grad(set_to_none=True)
            rng.restore()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def configure_optimizers(self) -> Any:
        """Builds optimizer and schedule over everything that is trained."""
        optimizer, schedule = self.optimizer.build(self, self.num_steps)
        return [optimizer], [schedule]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keeps only what is trained, and its average.

        Raises:
            TrainingError: if a weight is not finite: it would take the place of the last checkpoint that can be gone on from.
        """
        trained = {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}
        # All ranks must find the same: what is sharded may be broken on one of them alone.
        are_broken = torch.stack([~torch.isfinite(part(parameter)).all() for parameter in trained.values()])
        broken = next((name for name, is_broken in zip(trained, sum_over_ranks(are_broken.int()).tolist(), strict=True) if is_broken), None)
        if broken is not None:
            hint = "No checkpoint is written; resume=true goes on from the last one. Try a lower optimizer.lr."
            raise TrainingError(must_be(f"the weights of {broken}", "finite", "not", hint))
        checkpoint["state_dict"] = {name: value for name, value in checkpoint["state_dict"].items() if name in trained}
        if self.step.budget is not None:
            checkpoint["graph_budget"] = self.step.budget.state()
        if self.average is not None and not self.average.is_in_place:  # the best weights are the average, and not gone on from
            checkpoint["average"] = self.average.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuses a checkpoint of other weights than those that are trained: what it lacks would stay as it is, unsaid.

        Raises:
            CheckpointError: if a trained parameter is missing in it, has another shape, or is not trained here, or if there is no average
                to go on with.
        """
        ours = {name: tuple(parameter.shape) for name, parameter in self.named_parameters() if parameter.requires_grad}
        theirs = {name: tuple(value.shape) for name, value in checkpoint["state_dict"].items()}
        name = next((one for one in sorted({*ours, *theirs}) if ours.get(one) != theirs.get(one)), None)
        if name is not None:
            actual = f"with {name} {theirs.get(name, 'missing')}, which is {ours.get(name, 'not trained')} here"
            raise CheckpointError(
                must_be("the checkpoint", "of the parameters that are trained", actual, "Resume with the run's own config.")
            )

        if self.step.budget is not None and "graph_budget" in checkpoint:
            self.step.budget.load(checkpoint["graph_budget"])
        if self.average is not None and "average" in checkpoint:
            self.average.load_state_dict(checkpoint["average"])
        elif self.average is not None and "optimizer_states" in checkpoint:  # the best weights, without the latter, are not gone on from
            hint = "Resume with the run's own optimizer.ema_decay."
            raise CheckpointError(must_be("the checkpoint", "of a run that averages its weights", "without an average", hint))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Holds the average of the weights while the block runs, if there is one."""
        with nullcontext() if self.average is None else self.average.in_place():
            yield

    def _clip(self) -> Tensor:
        """Clips the gradients by their norm over all parameters, which it returns."""
        largest = float("inf") if self.optimizer.gradient_clip is None else self.optimizer.gradient_clip
        gradients = [parameter for parameter in self.parameters() if parameter.grad is not None]
        sharded = [parameter for parameter in gradients if is_sharded(parameter)]
        if not sharded:
            found: Tensor = nn.utils.clip_grad_norm_(gradients, largest)
            return found
        plain = [parameter for parameter in gradients if not is_sharded(parameter)]
        # torch's takes no lists of both kinds.
        norm: Tensor = torch.linalg.vector_norm(torch.stack([total_norm(parameters) for parameters in (sharded, plain)]))
        for parameters in (sharded, plain):
            nn.utils.clip_grads_with_norm_(parameters, largest, norm)
        return norm
