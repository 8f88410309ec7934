"""A vision-language model as an embedder: micro-batch in, unit vectors out.

What is particular to a backbone is in `families`.

Shapes: n contents, L tokens, V tokens of media, D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from unite.batch import MicroBatch
from unite.config.prompts import prompt_options
from unite.config.schema.encoder import EncoderConfig, Positions
from unite.encoder.checkpoint import VARLEN, load_checkpoint, read_as_asked, read_as_trained, save_checkpoint
from unite.encoder.families.family import Family, Part, modules_of
from unite.encoder.features import KeptFeatures, Name, StoredFeatures
from unite.encoder.folder import parts_of
from unite.encoder.pooling import last_positions
from unite.encoder.processor import ContentProcessor
from unite.encoder.rows import rows_of
from unite.encoder.stage_weights import StageWeights
from unite.encoder.trained import Trained

#: Tokens that pass together on a CPU: of so many what an operation leaves the next is still in the cache, of 60,000 it is not.
TOKENS_TOGETHER = 6144


class VLMEncoder(nn.Module):
    """Embeds contents with a vision-language model: its prompt, UNITE's by default, last-token pooling, unit length.

    Args:
        config: the options, each documented there; or a path alone, a folder or a hub name.
        **options: others than those of the config: `VLMEncoder(path, positions="sequential")`. A prompt may be named, as the files of
            `conf/prompt` are: `VLMEncoder(path, prompt="gme")`.

    Attributes:
        config: the options with what a folder that `save` wrote brings: how it reads contents then wins, and over that `override`.
        stored: features of its towers that outlive a step, where they are kept; they must not be trained then.

    Raises:
        CheckpointError: if there is no such checkpoint, or it is not whole: weights are missing or have no place, or its tokenizer,
            processor, adapter or base is another model's.
        ConfigError: if an option is out of its range, or a name in one means nothing in the model.
    """

    model: Any  # a transformers model: its attributes are not typed
    family: Family

    def __init__(self, config: EncoderConfig | str, **options: Any) -> None:
        super().__init__()
        if isinstance(options.get("prompt"), str):
            options = prompt_options(options["prompt"]) | {name: one for name, one in options.items() if name != "prompt"}
        given = EncoderConfig(path=config, **options) if isinstance(config, str) else replace(config, **options)
        parts = parts_of(given.path, given.base)
        self.config = config = read_as_asked(read_as_trained(given, parts))
        self.positions = str(config.positions)  # plain, so that it is part of what names cached embeddings
        self.model, processor, self.family = load_checkpoint(parts, config.dtype, config.attention)
        self.processor = ContentProcessor(processor, self.family, config)
        self._weights = StageWeights(self.model, self.family, config)
        self.stored: StoredFeatures | None = None
        self.family.speed_up(self.model)
        if config.attention == VARLEN:
            self.family.leave_out_padding()
        if config.gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})

    @property
    def dim(self) -> int:
        """D, the width of an embedding."""
        return int(self.model.config.get_text_config().hidden_size)

    @property
    def trained(self) -> Trained:
        """What of the model is trained."""
        return self._weights.trained

    @property
    def vision_is_frozen(self) -> bool:
        """Whether what the towers make of a medium stays the same from step to step."""
        return not _is_trained(modules_of(self.model, self.family.towers))

    @property
    def features_are_frozen(self) -> bool:
        """Whether the features of a medium do: no projector behind the towers is trained either."""
        return self.vision_is_frozen and not _is_trained(modules_of(self.model, self.family.projectors))

    @override
    def train(self, mode: bool = True) -> VLMEncoder:
        """Sets the mode. Frozen towers stay in evaluation mode: what they make of a medium is a function of it alone."""
        super().train(mode)
        if self.vision_is_frozen:
            for tower in modules_of(self.model, self.family.towers):
                tower.eval()
        return self

    def forward(self, micro_batch: MicroBatch, media_features: Tensor | None = None) -> Tensor:
        """Embeds n contents.

        Args:
            micro_batch: on the model's device.
            media_features: what `encode_media` returned for it.

        Returns:
            (n, D) float32, unit length.
        """
        return self._embed([micro_batch], [self.encode_media(micro_batch) if media_features is None else media_features])[0]

    def together(
        self,
        micro_batches: Sequence[MicroBatch],
        known: KeptFeatures | None = None,
        idle: MicroBatch | None = None,
        *,
        at_once: bool = False,
    ) -> list[Tensor]:
        """Embeds the contents of several micro-batches in one pass, so far as the family can: as `forward` of each, in fewer operations.

        Args:
            micro_batches: on the model's device; at least one.
            known: as of `encode_media`.
            idle: with media that the towers pass beside the others' and that count for nothing: weights that are sharded over ranks are
                gathered by all of them, so that a rank that has nothing to see must call the towers too.
            at_once: in one pass wherever it runs: for such weights all ranks must make equally many.

        Returns:
            (n, D) of each.
        """
        known = KeptFeatures() if known is None else known
        embeddings: list[Tensor] = []
        unseen: Tensor | None = None
        for some in [micro_batches] if at_once else _in_turns(micro_batches):
            seen = self._see(some, known)
            if idle is not None:
                unseen, idle = self.encode_media(idle).sum(), None
            embeddings += self._embed(some, [self._features(micro_batch, seen) for micro_batch in some])
        if unseen is not None:
            embeddings[0] = embeddings[0] + 0 * unseen
        return embeddings

    def encode_media(self, micro_batch: MicroBatch, known: KeptFeatures | None = None) -> Tensor:
        """Runs the towers once over each different medium of a micro-batch.

        Args:
            micro_batch: on the model's device.
            known: of what towers have seen; what is there is not seen again and what is new is added, within its bound, so that one serves
                all micro-batches of a step and, with frozen towers, their replay.

        Returns:
            (V, 1 + K, D): for each token of a medium, in the order of the tokens, what takes its place, and the K features that deeper
            layers add to it (Qwen3-VL's deepstack; 0 for most). Without media it is empty.
        """
        return self._features(micro_batch, self._see([micro_batch], KeptFeatures() if known is None else known))

    def add_adapter(self, frozen: Sequence[str] = ()) -> None:
        """Adds fresh adapters, if the encoder has some configured: a stage begins.

        Until it ends, what is trained is float32, whatever the weights' type: in bfloat16, of 8 bits, most steps of an optimizer are lost.

        Args:
            frozen: what is not trained in this stage beside what the config freezes: parts or names.

        Raises:
            CheckpointError: if the adapter of the stage before is not merged.
            ConfigError: if a name means nothing in the model, or nothing is left to be trained.
        """
        self._weights.begin(replace(self.config, frozen=[*self.config.frozen, *frozen]))

    def merge_adapter(self) -> None:
        """Merges the adapters, if there are some, into the weights, and gives what was trained its own type again: a stage ends."""
        self._weights.end()

    def save(self, folder: str | Path) -> None:
        """Exports a folder that transformers' AutoModel and this class load: weights, processor, settings. It replaces one of its name.

        Raises:
            CheckpointError: if an adapter is not merged yet.
        """
        self._weights.check_merged("before it is saved")
        save_checkpoint(Path(folder), self.model, self.processor.processor, self.config)

    def rows(self, micro_batch: MicroBatch, rows: Tensor) -> MicroBatch:
        """Returns some contents of a micro-batch, (k,) rows of it in rising order, as one of their own."""
        return rows_of(self.family, micro_batch, rows)

    def _see(self, micro_batches: Sequence[MicroBatch], known: KeptFeatures) -> dict[Name, Tensor]:
        """Returns what the towers make of the media of micro-batches, and adds what is new to what is known."""
        names = [name for micro_batch in micro_batches for name in micro_batch.media_names]
        device, is_frozen = micro_batches[0].input_ids.device, self.vision_is_frozen or not torch.is_grad_enabled()
        found = known.of(names, device)
        if self.stored is not None and is_frozen and (stored := self.stored.get(dict.fromkeys(names).keys() - found.keys(), device)):
            known.keep(stored)
            found |= stored
        new: dict[Name, int] = {}
        for medium, name in enumerate(names):
            if name not in found:
                new.setdefault(name, medium)
        if new:
            media = [micro_batch.media for micro_batch in micro_batches if micro_batch.media]
            joined = media[0] if len(media) == 1 else {name: torch.cat([tensors[name] for tensors in media]) for name in media[0]}
            with torch.set_grad_enabled(not is_frozen):
                seen = dict(zip(new, self.family.see(self.model, self.family.select(joined, list(new.values()))), strict=True))
            known.keep(seen)
            if self.stored is not None and is_frozen:
                self.stored.put(seen)
            found |= seen
        return found

    def _features(self, micro_batch: MicroBatch, seen: Mapping[Name, Tensor]) -> Tensor:
        names = micro_batch.media_names
        return self.family.project(self.model, torch.cat([seen[name] for name in names])) if names else torch.empty(0, 1, self.dim)

    def _embed(self, micro_batches: Sequence[MicroBatch], features: Sequence[Tensor]) -> list[Tensor]:
        sequential = self.config.positions is Positions.sequential
        parts = [
            Part(micro_batch, seen, self.family.positions(micro_batch, sequential), last_positions(micro_batch.attention_mask))
            for micro_batch, seen in zip(micro_batches, features, strict=True)
        ]
        return [nn.functional.normalize(states.float(), dim=-1) for states in self.family.states(self.model, parts)]


def _is_trained(modules: Sequence[nn.Module]) -> bool:
    return any(parameter.requires_grad for module in modules for parameter in module.parameters())


def _in_turns(micro_batches: Sequence[MicroBatch]) -> Iterator[Sequence[MicroBatch]]:
    """Yields those that pass together: on a CPU so many at a time that what they leave the next operation is still in its cache."""
    if micro_batches[0].input_ids.device.type != "cpu":
        yield micro_batches
        return
    begin = num_tokens = 0
    for end, micro_batch in enumerate(micro_batches):
        if num_tokens and num_tokens + micro_batch.input_ids.numel() > TOKENS_TOGETHER:
            yield micro_batches[begin:end]
            begin, num_tokens = end, 0
        num_tokens += micro_batch.input_ids.numel()
    yield micro_batches[begin:]
