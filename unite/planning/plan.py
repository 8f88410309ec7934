"""A stage before it is begun: what a step takes, whether it fits, how long it lasts.

Memory of one rank, in bytes:

    weights       each in its type; what is trained whole in float32. Sharded (`trainer.strategy=sharded`), a rank has its part of them, of
                  gradients and of states, and beside that the layers that are gathered at the moment
    gradients     of what is trained, float32
    optimizer     its states (AdamW two, Muon one and of words two, Adafactor a few rows and columns), and the average of the weights if
                  there is one
    activations   of the tokens whose graphs are kept (`trainer.graph_tokens`) or of the largest micro-batch that is replayed, and beside
                  them what a pass needs for a moment; where all graphs are kept, the whole batch is one pass
    features      of the media of a rank's contents where the tower is frozen: of all of them, or where not all graphs are kept, of
                  `trainer.feature_tokens`
    inputs        patches and tokens of the batch
    embeddings    of a rank's contents, their gradient and what it is scaled from; of several ranks, three pieces that pass through

Operations: each content passes forward and backward once, and forward once more where its graph was not kept (gradient cache);
a medium, where its features were not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from unite.config.schema.plan import PlanConfig
from unite.config.schema.training import FeaturesBeyond
from unite.encoder.features import ALL_KEPT, FeatureBound
from unite.planning.activations import Activations, Kind
from unite.planning.contents import Contents
from unite.planning.counted import CountedModel, Pass
from unite.planning.devices import Device

#: Bytes that a CUDA context and libraries take on a card, and the share of it that an allocator leaves between blocks.
_RUNTIME, _BETWEEN = 1.5e9, 0.05
#: Bytes of a weight in NF4, its part of a scale among them.
_NF4 = 0.516
#: Values of a piece of the pool that ranks pass around on a GPU (`unite.training.pool`).
_PIECE = 2**25
#: States of float32 that an optimizer keeps for each trained parameter.
STATES = {"adamw": 2.0, "muon": 1.0, "adafactor": 0.01, "adamw_8bit": 0.5}


@dataclass(frozen=True)
class StagePlan:
    """What a stage would take.

    Attributes:
        name: of the stage.
        steps: optimizer steps.
        contents: of a step, over all ranks.
        tokens: of a step and rank, padding left out.
        visual_tokens: among them.
        num_parameters, num_trained: of the model.
        memory: bytes of a rank, by what they are for.
        operations: of a step and rank.
        device: that it is planned for.
        num_devices: of them.
        most_tokens: the largest `trainer.graph_tokens` that fits; 0 where not even one content does.
        graph_tokens: as asked for.
        utilisation: share of the peak that is reckoned with.
    """

    name: str
    steps: int
    contents: tuple[Contents, ...]
    tokens: float
    visual_tokens: float
    num_parameters: int
    num_trained: int
    memory: dict[str, float]
    operations: float
    device: Device
    num_devices: int
    most_tokens: int
    graph_tokens: int
    utilisation: float

    @property
    def total(self) -> float:
        """Bytes of a rank."""
        return sum(self.memory.values())

    @property
    def fits(self) -> bool:
        """Whether a device has room for it."""
        return self.total <= self.device.memory

    @property
    def seconds(self) -> float:
        """Of a step."""
        return self.operations / (self.device.peak * self.utilisation)

    @property
    def hours(self) -> float:
        """Of the stage."""
        return self.steps * self.seconds / 3600


def plan_stage(
    name: str,
    steps: int,
    contents: Sequence[Contents],
    model: CountedModel,
    device: Device,
    plan: PlanConfig,
    *,
    graph_tokens: int | None,
    token_budget: int,
    optimizer: str,
    has_average: bool,
    at_once: int | None = None,
    features: FeatureBound = ALL_KEPT,
    is_sharded: bool = False,
) -> StagePlan:
    """Counts a stage.

    Args:
        name: of it.
        steps: optimizer steps.
        contents: of a step, over all ranks.
        model: that is trained.
        device: that it runs on.
        plan: the options.
        graph_tokens: tokens whose activations are kept; None is as many as fit, as a run finds it itself.
        token_budget: tokens of a micro-batch.
        optimizer: `adamw`, `adamw_8bit`, `muon` or `adafactor`.
        has_average: whether an average of the weights is kept.
        at_once: tokens that pass together where all graphs are kept; None is all, as on a GPU.
        features: how much of what a frozen tower has seen is kept.
        is_sharded: whether weights, gradients and the optimizer's states are shared among the devices.
    """
    if graph_tokens is None:
        given: Any = {"token_budget": token_budget, "optimizer": optimizer, "has_average": has_average, "at_once": at_once}
        planned = partial(plan_stage, name, steps, contents, model, device, plan, features=features, is_sharded=is_sharded, **given)
        direct = planned(graph_tokens=1 << 60)
        if direct.fits:
            return direct
        cached = planned(graph_tokens=1)
        return planned(graph_tokens=max(1, min(cached.most_tokens, int(cached.tokens) - 1)))
    ranks = plan.devices
    tokens = sum(some.number * some.tokens for some in contents) / ranks
    visual = sum(some.number * some.visual for some in contents) / ranks
    number = sum(some.number for some in contents)
    own = number * model.dim / ranks
    length = max(2, round(tokens * ranks / number))
    micro = model.language(max(1, token_budget // length), length)
    seen = _seen(model, contents, ranks, token_budget)
    replayed = 0.0 if tokens <= graph_tokens else max(0.0, 1 - graph_tokens / tokens)
    language = (micro.forward * (1 + replayed) + micro.backward) / micro.tokens * tokens
    known = 0.0 if model.vision_is_trained else visual if not replayed or features.tokens is None else min(visual, features.tokens)
    seen_again = replayed if model.vision_is_trained or features.beyond is FeaturesBeyond.again else 0.0
    tower = sum(some.forward * (1 + seen_again * (1 - known / max(1.0, visual))) + some.backward for some in seen)
    each = int(model.dtype.itemsize) * (1 + int(getattr(model.family, "num_deepstack", 0)))
    parts = ranks if is_sharded else 1
    states = model.num_trained * (STATES[optimizer] + has_average) + model.num_looked_up * (optimizer == "muon")
    fixed = {
        "weights": _of_weights(model) / parts + (_gathered(model) if parts > 1 else 0.0),
        "gradients": 4.0 * model.num_trained / parts,
        "optimizer": 4.0 * states / parts,
        "features": known * model.dim * each,
        "inputs": sum(some.tokens for some in seen) * model.patch_bytes + 8 * 3 * tokens,
        "embeddings": 4.0 * 3 * (own + (min(own, _PIECE) if ranks > 1 else 0)),
        "runtime": _RUNTIME + _BETWEEN * device.memory,
    }

    towers = iter(seen)
    kinds = [Kind(some.tokens, some.number * some.tokens / ranks, next(towers) if some.frames else None) for some in contents]
    activations = Activations(micro, kinds, token_budget, at_once)
    most = _most_tokens(activations, device.memory - sum(fixed.values()))
    return StagePlan(
        name=name,
        steps=steps,
        contents=tuple(contents),
        tokens=tokens,
        visual_tokens=visual,
        num_parameters=model.num_parameters,
        num_trained=model.num_trained,
        memory={"activations": activations.of_step(graph_tokens), **fixed},
        operations=language + tower,
        device=device,
        num_devices=ranks,
        most_tokens=most,
        graph_tokens=graph_tokens,
        utilisation=plan.utilisation,
    )


def _most_tokens(activations: Activations, room: float) -> int:
    """Returns the largest `graph_tokens` for whose activations there is room; 0 where there is none for one micro-batch."""
    tokens = int(activations.tokens)
    if activations.of_step(activations.tokens) <= room:
        return tokens
    return max(0, bisect_right(range(1, tokens), room, key=activations.of_step))


def _of_weights(model: CountedModel) -> float:
    """Returns the bytes of the weights; what is trained whole is float32, with a copy in the type of autocast."""
    each = int(model.dtype.itemsize)
    plain = (model.num_parameters - model.num_quantised) * each + model.num_quantised * _NF4
    widened = 4 * (model.num_whole if each < 4 else 0) + 4 * (model.num_trained - model.num_whole)
    return float(plain + widened)


def _gathered(model: CountedModel) -> float:
    """Returns the bytes of weights that are whole on a rank at once where they are sharded (`unite.training.sharding`).

    What is in no layer is gathered for a whole step; of the layers one, the next one that is fetched beside it, and of what is trained of
    one the gradient before it is shared out, in float32.
    """
    rest, two_layers, trained = model.gathered
    return float(rest + two_layers + 4 * trained)


def _seen(model: CountedModel, contents: Sequence[Contents], ranks: int, token_budget: int) -> list[Pass]:
    """Returns what the tower takes of a step and rank, for each kind of content with media."""
    merged = model.merge_size**2
    passes = []
    for some in contents:
        if some.frames:
            # A token stands for so many patches; those of two frames of a video are one patch in time.
            patches = max(1, round(some.visual * merged / max(1, -(-some.frames // 2))))
            sequences = -(-some.frames // 2)
            # As many as a micro-batch has: what does not grow with them, a layer's gradient say, is not to be counted once for each.
            together = max(1, min(round(some.number / ranks), token_budget // some.tokens))
            one = model.vision(sequences * together, patches, some.frames == 1)
            times = some.number / ranks / together
            passes.append(Pass(round(one.tokens * times), one.forward * times, one.backward * times, one.kept * times, one.passing * times))
    return passes
