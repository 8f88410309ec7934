"""The files by which sentence-transformers, and servers that read its folders, know what to do with the hidden states.

    modules.json                        the model, then last-token pooling, then unit length
    sentence_bert_config.json           how contents are given to the model: as messages, by the chat template
    1_Pooling/config.json               which state is the embedding
    config_sentence_transformers.json   similarity, and instructions by name

Modules and pooling are written under the names that sentence-transformers had for them before 6.0: it reads both, and vLLM and
text-embeddings-inference know these alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from unite.config.schema.encoder import ReadingConfig
from unite.files import write_json

_MODULES = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
_STATES = {"method": "forward", "method_output_name": "last_hidden_state"}
#: Of the pooling modes that there are, the one that is meant. The order matters: vLLM takes what it knows of those that are true.
_MODES = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
#: What has to be there: sentence-transformers 6.2 reads messages, transformers 5.18 is the oldest by which Qwen2.5-VL gives the same.
_REQUIRED = {"sentence-transformers": ">=6.2", "transformers": ">=5.18"}


def write_sentence_files(
    folder: Path,
    reading: ReadingConfig,
    dim: int,
    prompts: Mapping[str, str],
    media: Sequence[str] = ("image", "video"),
    *,
    is_plain: bool = False,
) -> None:
    """Writes the files.

    Args:
        folder: of the export.
        reading: how the encoder reads contents.
        dim: D, the width of an embedding.
        prompts: instructions by name.
        media: the kinds that the encoder reads.
        is_plain: whether positions are plain where the model knows others, which was seen to hold of the installed transformers alone.
    """
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}
        for number, (path, name) in enumerate(_MODULES)
    ]
    write_json(folder / "modules.json", modules)
    for path, _ in _MODULES[1:]:
        (folder / path).mkdir()
    write_json(folder / "sentence_bert_config.json", _of_transformer(reading, media))
    modes = {f"pooling_mode_{mode}": mode == "lasttoken" for mode in _MODES}
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": dim, **modes, "include_prompt": True})
    write_json(folder / "2_Normalize" / "config.json", {})
    packages = {"sentence_transformers": "6.2.0", "transformers": version("transformers"), "pytorch": version("torch")}
    write_json(
        folder / "config_sentence_transformers.json",
        {
            "__version__": packages,
            "model_type": "SentenceTransformer",
            "prompts": {"query": "", "document": "", **prompts},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
            "requirements": _REQUIRED | ({"transformers": f">={version('transformers')}"} if is_plain else {}),
        },
    )


def _of_transformer(reading: ReadingConfig, media: Sequence[str]) -> dict[str, Any]:
    """Returns the options of the module that holds the model."""
    return {
        "transformer_task": "feature-extraction",
        "modality_config": {**dict.fromkeys(("text", *media), _STATES), "message": {**_STATES, "format": "structured"}},
        "module_output_name": "token_embeddings",
        "processing_kwargs": {"video": {"do_sample_frames": False}} if "video" in media else {},  # an array's frames are those to look at
        "unpad_inputs": False,  # positions of media need whole rows
        "max_seq_length": reading.max_length,
        "do_lower_case": False,
    }
