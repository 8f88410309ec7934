"""How many micro-batches keep their activations (`trainer.graph_tokens=auto`): as many as the memory that is left has room for.

    first step     none: after it weights, gradients and the optimizer's state are what they will be
    second step    a micro-batch with media and one without pass alone, and it is measured what they keep and what they need beside that;
                   the room is what is free then, with a reserve
    from then on   the room and the measures stand; a micro-batch is reckoned by its tokens and the bytes of its media

A step's gradients are the same whatever is kept, but for rounding (and for where dropout is drawn, if all is kept and passes at once). So
that a run that is resumed rounds alike, what was found is kept in its checkpoints.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from unite.batch import MicroBatch
from unite.encoder.vlm import TOKENS_TOGETHER
from unite.errors import ConfigError, must_be
from unite.free_memory import free_memory
from unite.processes import num_ranks, started
from unite.training.parallel import largest_over_ranks

log = logging.getLogger(__name__)

#: Share of what is free that graphs and passes may fill. On a CPU a process grows by up to 2.8 times its tensors: what its allocator
#: leaves between blocks, and what operations take within themselves (docs/plan.md).
_SHARE = {"cpu": 0.3}
_SHARE_ELSEWHERE = 0.85


def check_graph_tokens(given: int | str) -> int | None:
    """Returns `trainer.graph_tokens` as a number; None where it is to be found.

    Raises:
        ConfigError: if it is neither.
    """
    if given == "auto":
        return None
    if not isinstance(given, int) or given < 1:
        raise ConfigError(must_be("trainer.graph_tokens", "at least 1, or auto", given))
    return given


class Measured(NamedTuple):
    """What passing one micro-batch alone, forward and backward, takes in bytes.

    Attributes:
        kept: that the forward pass leaves for the backward pass.
        passing: that exist beside these at the worst moment.
        features: of a frozen tower, that are kept over a step.
    """

    kept: float
    passing: float
    features: float = 0.0


class GraphBudget:
    """What is known of memory, and what follows of it. All ranks call `look` together.

    Attributes:
        num_steps: that it has looked at.
    """

    def __init__(self) -> None:
        self.num_steps = 0
        self._room: float | None = None
        self._of_token = Measured(0.0, 0.0)
        self._of_media: Measured | None = None
        self._place = ""

    def look(
        self,
        micro_batches: Sequence[MicroBatch],
        measure: Callable[[MicroBatch], Measured],
        about_to_be_taken: float,
        *,
        is_one_pass: bool = False,
    ) -> None:
        """Measures where a step of several micro-batches shows what is not known yet.

        Args:
            micro_batches: of the step.
            measure: passes one of them alone.
            about_to_be_taken: bytes that are free now and will not be as graphs are kept: gradients.
            is_one_pass: see `num_replayed`.
        """
        self.num_steps += 1
        if self.num_steps == 1:
            return
        device = micro_batches[0].input_ids.device
        if self._room is not None and self._place != _place(device):  # a checkpoint of another place
            self._room = self._of_media = None
        has_media = any(micro.media for micro in micro_batches)
        lacks = self._room is None and len(micro_batches) > 1
        (is_asked,) = largest_over_ranks([float(lacks or (self._room is not None and has_media and self._of_media is None))], device)
        if not is_asked:
            return
        is_first = self._room is None
        pictured = max(micro_batches, key=lambda micro: _media_bytes(micro) / micro.input_ids.numel())
        plain = next((micro for micro in micro_batches if not micro.media), micro_batches[-1])
        measure(pictured)  # autocast's copies of weights, libraries' workspaces: what comes once and is of no micro-batch
        found = {id(micro): measure(micro) for micro in (pictured, plain)} if plain is not pictured else {id(plain): measure(plain)}
        if plain is pictured:
            measure(plain)  # all ranks pass equally often
        self._take(pictured, plain, found, device)
        if is_first:
            free = free_memory(device) - about_to_be_taken
            share = _SHARE.get(device.type, _SHARE_ELSEWHERE) / (_ranks_here() if device.type == "cpu" else 1)
            (minus_room,) = largest_over_ranks([-max(0.0, free) * share], device)
            self._room, self._place = -minus_room, _place(device)
            num = len(micro_batches) - self.num_replayed(micro_batches, is_one_pass=is_one_pass)
            log.info(
                "trainer.graph_tokens=auto: %.3g GB for activations of %.3g GB that are free; of this batch %d of %d micro-batches keep "
                "theirs%s",
                *(self._room / 1e9, free / 1e9, num, len(micro_batches)),
                "" if num == len(micro_batches) else ", the others are passed twice",
            )

    def num_replayed(self, micro_batches: Sequence[MicroBatch], *, is_one_pass: bool = False) -> int:
        """Returns how many of the first micro-batches do not keep their activations.

        Args:
            micro_batches: of a step.
            is_one_pass: whether those that are kept pass together also where not all are.
        """
        if len(micro_batches) == 1:
            return 0
        return self._reckoned(micro_batches, is_one_pass)[0]

    def halve(self, micro_batches: Sequence[MicroBatch], *, is_one_pass: bool = False) -> bool:
        """Gives graphs half of what they took in a step that ran out of memory; returns whether they took anything."""
        num_replayed, taken = self._reckoned(micro_batches, is_one_pass)
        if len(micro_batches) == 1 or num_replayed == len(micro_batches):
            return False
        self._room = taken / 2
        return True

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps."""
        of_media = None if self._of_media is None else list(self._of_media)
        return {
            "num_steps": self.num_steps,
            "room": self._room,
            "of_token": list(self._of_token),
            "of_media": of_media,
            "place": self._place,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Goes on with what a checkpoint kept; on another machine or number of ranks memory is another, and measured anew."""
        self.num_steps = int(state["num_steps"])
        self._room, self._place = state["room"], state["place"]
        self._of_token = Measured(*state["of_token"])
        self._of_media = None if state["of_media"] is None else Measured(*state["of_media"])

    def _take(self, pictured: MicroBatch, plain: MicroBatch, found: dict[int, Measured], device: torch.device) -> None:
        if self._room is None:
            of_plain = found[id(plain)]
            rates = [each / plain.input_ids.numel() for each in of_plain[:2]]
            has_plain = not plain.media
            (some_plain,) = largest_over_ranks([float(has_plain)], device)  # of a rank without a micro-batch of texts another's count
            self._of_token = Measured(*largest_over_ranks(rates if has_plain or not some_plain else [0.0, 0.0], device))
        media, tokens = _media_bytes(pictured), pictured.input_ids.numel()
        rest = found[id(pictured)]
        beyond = [max(0.0, each - rate * tokens) for each, rate in zip(rest[:2], self._of_token[:2], strict=True)]
        rates = [each / media for each in (*beyond, rest.features)] if media else [0.0] * 3
        known, *rates = largest_over_ranks([float(media > 0), *rates], device)
        if known:
            self._of_media = Measured(*rates)

    def _reckoned(self, micro_batches: Sequence[MicroBatch], is_one_pass: bool) -> tuple[int, float]:
        """Returns how many do not keep their activations, and the bytes at the worst moment where the others do."""
        num = len(micro_batches)
        if self._room is None:
            return num, 0.0
        each = [self._taken(micro) for micro in micro_batches]
        found, kept, passing, most_passing = (num, 0.0), 0.0, 0.0, 0.0
        for place in reversed(range(num)):
            kept, passing = kept + each[place].kept, passing + each[place].passing
            most_passing = max(most_passing, each[place].passing)
            features = sum(some.features for some in each[:place])
            beside = passing if is_one_pass or place == 0 else most_passing  # where all are kept, they pass together
            if place == 0 and not is_one_pass and micro_batches[0].input_ids.device.type == "cpu":  # in turns
                turns = zip(micro_batches, each, strict=True)
                beside = min(passing, max(one.passing * max(1.0, TOKENS_TOGETHER / micro.input_ids.numel()) for micro, one in turns))
            bytes_ = kept + beside + features
            if kept > self._room:
                break
            if bytes_ <= self._room:
                found = place, bytes_
        return found

    def _taken(self, micro: MicroBatch) -> Measured:
        tokens, media = micro.input_ids.numel(), _media_bytes(micro)
        of_media = self._of_media or Measured(0.0, 0.0)
        return Measured(*(tokens * one + media * other for one, other in zip(self._of_token, of_media, strict=True)))


def _media_bytes(micro: MicroBatch) -> int:
    return sum(tensor.nbytes for tensor in micro.media.values())


def _ranks_here() -> int:
    this = started()
    return num_ranks() if this is None else this.local_world_size


def _place(device: torch.device) -> str:
    """Returns what tells one place to train from another whose memory is another."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{num_ranks()} x {properties.name} {properties.total_memory}"
    return f"{num_ranks()} x {device.type} {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')}"
