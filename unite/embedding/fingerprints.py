"""What embeddings follow from beside the content, as two hashes: the encoder, and how it has contents written as tokens and patches.

Whatever may change an embedding has to be in one of them, or a cache gives the embeddings of another encoder: of the encoder the
weights, the buffers and the settings of every module, the model's whole configuration among them; of its processor what becomes of a
few probes, all its settings, and the tokenizer. Settings that are lists, mappings or functions count as those that are numbers.

How media are decoded is part of a content's own fingerprint (`unite.embedding.lazy`). What changes no more than the last bits is in
neither: the device, the kernel of attention, the size of a micro-batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from itertools import chain
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from unite.batch import Processor
from unite.errors import DataError
from unite.media import KINDS
from unite.types import Content, fingerprint

#: Settings that change nothing of the embeddings. The same checkpoint in another folder is the same encoder; `forward` is how a module was
#: sped up.
_NO_SETTINGS = frozenset(
    (
        *("training", "gradient_checkpointing", "forward", "use_cache", "inference_mode", "dtype", "torch_dtype", "architectures"),
        *("name_or_path", "base_model_name_or_path", "revision", "transformers_version"),
    )
)


def encoder_fingerprint(encoder: nn.Module) -> int:
    """Returns a 63-bit hash of an encoder: its weights and buffers, and the settings of its modules."""

    def parts() -> Iterator[str]:
        settings = _Settings(of_own=False)
        for name, module in encoder.named_modules():
            yield f"{name} {type(module).__qualname__} {settings.of(vars(module))}"
        for name, tensor in chain(encoder.named_parameters(), encoder.named_buffers()):
            data = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            yield f"{name} {tensor.dtype} {tuple(tensor.shape)} {fingerprint(data)}"  # one tensor's bytes at a time

    return fingerprint(*parts())


def prompt_fingerprint(processor: Processor) -> int:
    """Returns a 63-bit hash of how contents are written as tokens and patches: by what becomes of a few of them, and by all settings.

    Those are texts and the probes of every kind of media (`Kind.probes`). That covers the template, the tokenizer, the instruction's place
    and the pixel caps, whatever the processor calls them.
    """
    texts = (Content("A plain text."), Content("A plain text.", instruction="Find it."))
    probes = (*texts, *(probe for kind in KINDS for probe in kind.probes()))
    settings = {key: value for key, value in vars(processor).items() if not key.startswith("num_")}  # these are counts
    read = (part for probe in probes for part in _as_read(processor, probe))
    return fingerprint(_Settings(of_own=True).of(settings), _vocabulary(processor), *read)


def towers_fingerprint(towers: Sequence[nn.Module], reader: Any) -> int:
    """Returns a 63-bit hash of what features of media follow from beside the media: the towers, and how their reader reads a few probes.

    Args:
        towers: those of a family, and the family itself where it is a module: it may normalise.
        reader: a `unite.encoder.families.family.MediaReader`.
    """
    parts = [str(encoder_fingerprint(tower)) for tower in towers]
    parts.append(f"{type(reader).__qualname__} {_Settings(of_own=True).of(vars(reader))}")
    media = (medium for kind in KINDS for probe in kind.probes() for medium in probe.media if medium.modality in reader.modalities)
    return fingerprint(*parts, *(part for medium in media for part in _of_tensors(reader.read(medium).tensors)))


def _as_read(processor: Processor, content: Content) -> Iterator[str | bytes]:
    try:
        encoded = processor.encode(content)
    except DataError as error:  # refusing a content is part of how the processor reads
        yield str(error)
        return
    yield from _of_tensors({"input_ids": encoded.input_ids, "token_types": encoded.token_types, **encoded.media})


def _of_tensors(tensors: Mapping[str, Tensor]) -> Iterator[str | bytes]:
    for name, tensor in tensors.items():
        yield f"{name} {tensor.dtype} {tuple(tensor.shape)}"
        yield tensor.contiguous().numpy().tobytes()


def _vocabulary(processor: Processor) -> str:
    """Returns the tokenizer of transformers' processor, but for the padding and cutting that the last call left in it; "" without one."""
    tokenizer = getattr(getattr(processor, "processor", None), "tokenizer", None)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return ""
    told = json.loads(backend.to_str())
    return json.dumps({name: part for name, part in told.items() if name not in ("padding", "truncation")}, sort_keys=True)


class _Settings:
    """Settings as text that is the same in every process.

    Args:
        of_own: whether the attributes of our own objects count; those of an encoder are modules, which are visited each.
    """

    def __init__(self, of_own: bool) -> None:
        self._of_own = of_own
        self._seen: dict[int, Any] = {}  # objects that many modules share are told once; kept, so that no number is given again

    def of(self, settings: Mapping[Any, Any]) -> str:
        """Returns public settings in the order of their names; what is no setting, such as a tensor, is left out."""
        told = {str(key): self._told(value) for key, value in settings.items() if _is_public(str(key))}
        return "{" + ", ".join(f"{key}: {value}" for key, value in sorted(told.items()) if value is not None) + "}"

    def _told(self, value: object) -> str | None:
        if isinstance(value, Enum | torch.dtype):
            return str(value)
        if isinstance(value, str | int | float | bool | None):
            return repr(value)
        if isinstance(value, list | tuple):
            return "[" + ", ".join(str(self._told(one)) for one in value) + "]"
        if isinstance(value, set | frozenset):
            return "[" + ", ".join(sorted(str(self._told(one)) for one in value)) + "]"
        if isinstance(value, Mapping):
            return self.of(value)
        if isinstance(value, FunctionType | BuiltinFunctionType | type):
            return f"{value.__module__}.{value.__qualname__}"
        if isinstance(value, partial):
            return f"{self._told(value.func)}{self._told(value.args)}{self.of(value.keywords)}"
        return None if isinstance(value, nn.Module | torch.Tensor) else self._of_object(value)

    def _of_object(self, value: object) -> str | None:
        if hasattr(value, "to_dict"):  # a configuration, or a processor, of transformers
            if id(value) in self._seen:
                return "as above"
            self._seen[id(value)] = value
            return self.of(value.to_dict())
        if self._of_own and type(value).__module__.startswith("unite.") and hasattr(value, "__dict__"):
            return f"{type(value).__qualname__} {self.of(vars(value))}"
        return None


def _is_public(key: str) -> bool:
    return not key.startswith("_") and key not in _NO_SETTINGS
