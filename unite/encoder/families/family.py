"""What a backbone is to the encoder: how it reads media, and how its model is driven.

    Medium -> MediaReader.read -> tokens, tensors            in the workers
    tensors -> Family.see -> what its tower makes of each    on the device, once a medium and step
            -> Family.project -> its features                as often as they are needed
    tokens, features -> Family.states -> states              on the device, all micro-batches of a pass

Shapes: n contents, L tokens, M media, V visual tokens of a medium (or of another sense), D width of the language model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from torch import Tensor, nn

from unite.batch import MicroBatch
from unite.config.schema.encoder import ReadingConfig
from unite.types import Medium, Modality


@dataclass(frozen=True)
class ReadMedium:
    """A medium as its family reads it.

    Attributes:
        tokens: what stands for it in the turn, marks around it included.
        tensors: by name; those of equal names are concatenated along the first dimension over all media of a micro-batch that have it.
    """

    tokens: list[int]
    tensors: dict[str, Tensor]


class Part(NamedTuple):
    """A micro-batch with what its pass through the language model needs.

    Attributes:
        micro_batch: n contents of L tokens.
        features: (sum of V, 1 + K, D) of the media, in the order of their tokens; (0, ...) without media.
        positions: (..., n, L), what `Family.positions` returned.
        last: (n,) where each content's last token is.
    """

    micro_batch: MicroBatch
    features: Tensor
    positions: Tensor
    last: Tensor


class MediaReader(Protocol):
    """Reads media in the workers: holds no weights and can be pickled."""

    @property
    def modalities(self) -> Collection[Modality]:
        """Those of the media that it reads; it is given no others."""
        ...

    def read(self, medium: Medium) -> ReadMedium:
        """Returns tokens and tensors of one medium. Raises DataError if it cannot be read."""
        ...


class Family(Protocol):
    """One backbone. Made from a loaded model's config and transformers' processor; it may be a module with buffers, never with weights.

    Attributes:
        modalities: of the media that it reads, known before a checkpoint is loaded; those of its reader.
        token_types: tokens whose place a medium's features take, by the name that config and processor have for their id, with the number
            that stands for them in `token_types` (above 0; `mm_token_type_ids` of transformers).
        language_model: the attribute of the model that holds its language model.
        towers: those of what sees or hears.
        projectors: those of what makes features of what a tower saw; none where the towers do. Towers, projectors and language model
            are all of the model but its head.
        weight_names: patterns of how a weight's name begins in what others saved, each with the model's own beginning. What stands before
            them all, `model.` say, is `unite.encoder.weights`'s.
        marks: what stands before and behind a medium's tokens; "" for nothing.
        has_grids: whether media are placed by their grid unless plain positions are asked for; else all positions are plain anyway.
        special_tokens: what the turn is laid out with; a tokenizer that lacks one is of another model.
        parts: what a user can name, each with the modules that it is; where one lies within another, the inner one is no part of the outer.
    """

    modalities: ClassVar[Collection[Modality]]
    token_types: ClassVar[Mapping[str, int]]
    language_model: ClassVar[str]
    towers: ClassVar[Sequence[str]]
    projectors: ClassVar[Sequence[str]]
    weight_names: ClassVar[Mapping[str, str]]
    marks: ClassVar[tuple[str, str]]
    has_grids: ClassVar[bool]
    special_tokens: ClassVar[Sequence[str]]
    parts: ClassVar[Mapping[str, Sequence[str]]]

    def __init__(self, config: Any, processor: Any) -> None: ...

    def reader(self, processor: Any, config: ReadingConfig) -> MediaReader:
        """Returns what reads media, within the sizes of the config."""
        ...

    def speed_up(self, model: Any) -> None:
        """Swaps forward passes of `model` for faster ones that give the same, of the very classes that are known; weights stay."""
        ...

    def leave_out_padding(self) -> None:
        """From now on contents pass without padding. Raises ConfigError where the model cannot."""
        ...

    def select(self, media: Mapping[str, Tensor], which: Sequence[int]) -> dict[str, Tensor]:
        """Returns the tensors of the media with these indices, at least one, given those of all media of a micro-batch."""
        ...

    def see(self, model: Any, media: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Returns what the towers make, (V, 1 + K, C), of each medium."""
        ...

    def project(self, model: Any, seen: Tensor) -> Tensor:
        """Returns features (V, 1 + K, D) of what towers made of media, (V, 1 + K, C).

        The first of a token's features takes its place, the K others are what deeper layers add to it.
        """
        ...

    def positions(self, micro_batch: MicroBatch, sequential: bool) -> Tensor:
        """Returns the positions (..., n, L) that the language model is given; plain ones if `sequential`."""
        ...

    def states(self, model: Any, parts: Sequence[Part]) -> Sequence[Tensor]:
        """Returns for each micro-batch the last layer's states (n, D) of its last tokens. Together they may be one pass."""
        ...


def modules_of(model: nn.Module, names: Sequence[str]) -> list[nn.Module]:
    """Returns what has these names in a model: `Family.towers`, say."""
    return [model.get_submodule(name) for name in names]
