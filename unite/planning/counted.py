"""A model without memory, and what its passes take: on torch's meta device, by the code that training runs.

Shapes: n contents, L tokens, V visual tokens of a content, N patches, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoModel

from unite.batch import MicroBatch
from unite.config.schema.encoder import EncoderConfig
from unite.encoder.adapters import add_lora
from unite.encoder.checkpoint import quiet_transformers
from unite.encoder.families.family import Family, Part, modules_of
from unite.encoder.families.shared import SharedByLayers
from unite.encoder.layers import layers_of
from unite.encoder.quantised import frozen_layers
from unite.encoder.trained import trained_of
from unite.live import LiveBytes
from unite.planning.gpu_operations import as_on_a_gpu, operation_counter

_META = torch.device("meta")


@dataclass(frozen=True)
class Pass:
    """What one pass over tokens takes, forward and backward.

    Attributes:
        tokens: that went through.
        forward: floating-point operations, a product and a sum being two.
        backward: the same, what gradient checkpointing computes again among them.
        kept: bytes that the forward pass leaves for the backward pass.
        passing: bytes that exist beside these at the worst moment: gradients of activations, what a layer leaves that is computed again,
            and of a tower without gradients its own states.
    """

    tokens: int
    forward: float
    backward: float
    kept: float
    passing: float


class CountedModel:
    """An encoder as it would be trained, on the meta device.

    Args:
        config: transformers' config of its architecture.
        family: of it.
        options: the encoder's: what is trained, by which adapters, with checkpointing or without.
        dtype: in which it computes.

    Attributes:
        num_parameters: of the model, adapters left out.
        num_trained: adapters among them.
        num_whole: those that are trained themselves.
        num_quantised: those that are held in 4 bits.
        num_looked_up: those trained that are words' or positions' rows.
    """

    def __init__(self, config: Any, family: Family, options: EncoderConfig, dtype: torch.dtype) -> None:
        config._attn_implementation = options.attention
        with quiet_transformers(), _META:
            model = AutoModel.from_config(config, dtype=dtype, attn_implementation=options.attention)
        self.family = family
        self.config = config
        self.dtype = dtype
        self.num_parameters = sum(parameter.numel() for parameter in model.parameters())
        trained = trained_of(model, family, options)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in trained.whole)
        whole = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.num_whole = sum(parameter.numel() for parameter in whole)
        self.num_quantised = 0
        if options.quantization is not None:
            held = map(model.get_submodule, frozen_layers(model, family.language_model, trained.whole))
            self.num_quantised = sum(cast(nn.Linear, layer).weight.numel() for layer in held)
        family.speed_up(model)
        with quiet_transformers():
            if options.gradient_checkpointing:
                model.gradient_checkpointing_enable({"use_reentrant": False})
            if options.adapter is not None:
                for name, part in list(model.named_children()):
                    layers = [layer.removeprefix(f"{name}.") for layer in trained.adapted if layer.startswith(f"{name}.")]
                    if layers:
                        setattr(model, name, add_lora(part, options.adapter, layers))
        for parameter in whole:  # peft has frozen all but its own
            parameter.requires_grad_()
        self.num_trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        rows = {id(one): one for part in model.modules() if isinstance(part, nn.Embedding) for one in part.parameters()}
        self.num_looked_up = sum(parameter.numel() for parameter in rows.values() if parameter.requires_grad)
        for part in model.children():  # what is trained is float32, and with it the rest of its part, as adapters are
            if any(parameter.requires_grad and parameter.dtype == dtype for parameter in part.parameters()):
                part.float()
        self.model = model.train()
        self._known: dict[tuple[Any, ...], Pass] = {}

    @property
    def dim(self) -> int:
        """D."""
        return int(self.config.get_text_config().hidden_size)

    @property
    def merge_size(self) -> int:
        """Patches of a visual token's side."""
        return int(self.config.vision_config.spatial_merge_size)

    @property
    def patch_bytes(self) -> int:
        """Of a patch, as it is moved to the device."""
        vision = self.config.vision_config
        return 3 * int(vision.temporal_patch_size) * int(vision.patch_size) ** 2

    @property
    def gathered(self) -> tuple[int, int, int]:
        """Where weights are sharded: bytes that lie in no layer, those of the two largest, and the most numbers trained in one.

        The rows of words are a layer too. See `unite.training.sharding.shard`.
        """
        layers = [*layers_of(self.model), self.model.get_input_embeddings()]
        sizes = [sum(one.nbytes for one in layer.parameters()) for layer in layers]
        trained = [sum(one.numel() for one in layer.parameters() if one.requires_grad) for layer in layers]
        rest = sum(one.nbytes for one in self.model.parameters()) - sum(sizes)
        return rest, sum(sorted(sizes)[-2:]), max(trained)

    @property
    def vision_is_trained(self) -> bool:
        """Whether features of media are made again with their graph."""
        return any(parameter.requires_grad for tower in modules_of(self.model, self.family.towers) for parameter in tower.parameters())

    def language(self, contents: int, length: int) -> Pass:
        """Counts a micro-batch of texts: n contents of L tokens through the language model."""

        def states() -> Tensor:
            ids = torch.zeros(contents, length, dtype=torch.int64, device=_META)
            micro_batch = MicroBatch(ids[:, 0], ids, ids, torch.ones_like(ids))
            part = Part(
                micro_batch,
                torch.zeros(0, 1, self.dim, device=_META),
                self.family.positions(micro_batch, True),
                torch.full((contents,), length - 1, device=_META),
            )
            return torch.cat(list(self.family.states(self.model, [part])))

        return self._counted(("language", contents, length), contents * length, states)

    def vision(self, frames: int, patches: int, is_image: bool = False) -> Pass:
        """Counts the tower over frames of so many patches, from their bytes to the features.

        Of an image, which is its own next frame, a float32 tower reads half of the bytes.
        """
        tower: Any
        (tower,) = modules_of(self.model, self.family.towers)
        width, heads = _width(tower), int(self.config.vision_config.num_heads)
        boundaries = torch.arange(frames + 1) * patches
        weight = tower.patch_embed.proj.weight
        columns = weight[:, :, 0].flatten(1) if is_image and weight.dtype == torch.float32 else weight.flatten(1)
        mergers = [tower.merger, *getattr(tower, "deepstack_merger_list", ())]

        given = torch.zeros(frames * patches, columns.shape[1], dtype=torch.uint8, device=_META)  # of the batch, not made by a pass

        def states() -> Tensor:
            pixels = given
            if weight.dtype != torch.float32:  # else normalising is folded into the weights, see `embed_patches`
                scale = torch.zeros(columns.shape[1], device=_META)
                pixels = torch.addcmul(scale, pixels.to(scale.dtype), scale)
            hidden = nn.functional.linear(pixels.to(self.dtype), columns)
            del pixels
            angles = torch.zeros(frames * patches, width // heads, device=_META)
            shared = {"shared": SharedByLayers()} if self.config._attn_implementation == "sdpa" else {}
            for block in tower.blocks:
                hidden = block(hidden, cu_seqlens=boundaries, position_embeddings=(angles, angles), **shared)
            return torch.stack([merger(hidden) for merger in mergers], dim=1)

        return self._counted(("vision", frames, patches, is_image), frames * patches, states, is_trained=self.vision_is_trained)

    def _counted(self, what: tuple[Any, ...], tokens: int, run: Callable[[], Tensor], is_trained: bool = True) -> Pass:
        """Counts once, and knows it then: `what` names it."""
        if what not in self._known:
            self._known[what] = self._count(tokens, run, is_trained)
        return self._known[what]

    def _count(self, tokens: int, run: Callable[[], Tensor], is_trained: bool) -> Pass:
        with quiet_transformers(), as_on_a_gpu(self.dtype):
            with torch.no_grad(), operation_counter() as counter:
                run()
            forward = float(counter.get_total_flops())
            if not is_trained:
                with torch.no_grad(), LiveBytes() as live:
                    run()
                return Pass(tokens, forward, 0.0, 0.0, float(live.peak))
            with operation_counter() as counter:
                out = run()
                before = counter.get_total_flops()
                out.float().sum().backward()
                backward = float(counter.get_total_flops() - before)
            trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
            for parameter in trained:
                parameter.grad = torch.zeros_like(parameter)  # lie there before a pass
            with LiveBytes() as live:
                out = run()
                kept = live.now
                out.float().sum().backward()
            for parameter in trained:
                parameter.grad = None
        return Pass(tokens, forward, backward, float(kept), float(live.peak - kept))


def _width(tower: nn.Module) -> int:
    """Returns the width of a tower's blocks."""
    norm: Any = tower.get_submodule("blocks.0.norm1")
    return int(norm.weight.shape[0])
