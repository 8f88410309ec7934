"""What sentence-transformers noted in a folder that it saved (6.2 and earlier), before anything is loaded.

    modules.json                        the modules in their order, and where each lies: at the root, or `0_Transformer`
    <transformer>/sentence_bert_config.json   how contents are given to the model
    <pooling>/config.json               which state is the embedding
    config_sentence_transformers.json   instructions by name, similarity

An encoder here is a transformer, the state of its last token, and unit length. Whatever else a folder asks for is refused, by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unite.errors import CheckpointError, DataError, must_be
from unite.files import read_json

MODULES = "modules.json"
_TRANSFORMER, _SETTINGS, _MODEL = "sentence_bert_config.json", "config_sentence_transformers.json", "SentenceTransformer"
_HINT = "Encode with sentence-transformers there, or train such an encoder here anew: encoder.path=<the folder of its Transformer alone>."
#: How a folder of before 6.0 says it: a switch for each mode.
_MODE = "pooling_mode_"
#: Of the module that holds the model: what is not to be had here, each with the value that asks for nothing.
_REFUSED = {
    "do_lower_case": (False, "its texts are made lower case"),
    "query_expansion": (None, "its queries are filled up with tokens"),
    "query_length": (None, "its queries are cut shorter than its documents"),
    "document_length": (None, "its documents are cut shorter than its queries"),
}


@dataclass(frozen=True)
class SentenceFolder:
    """A folder that sentence-transformers saved, of which all can be honoured.

    Attributes:
        transformer: where the model and its processor are: the folder, or one below it.
        options: of the module that holds the model, as `sentence_bert_config.json` has them.
        prompts: instructions by name.
        default_prompt_name: which of them is taken where none is named; None for none.
        remarks: what is otherwise here.
    """

    transformer: Path
    options: Mapping[str, Any]
    prompts: Mapping[str, str]
    default_prompt_name: str | None
    remarks: tuple[str, ...] = ()

    @property
    def reads_messages(self) -> bool:
        """Whether contents are written by the chat template; else a text goes to the tokenizer as it is."""
        return "message" in (self.options.get("modality_config") or {})


def sentence_folder(path: str | Path, option: str = "the checkpoint") -> SentenceFolder | None:
    """Returns what a folder that sentence-transformers saved says; None of any other folder, and of what is none.

    Args:
        path: of the folder.
        option: what the user calls it, for the error.

    Raises:
        CheckpointError: if it asks for what an encoder here is not: other modules, another pooling, another kind of model.
        DataError: if a file in it cannot be read.
    """
    folder = Path(path)
    if not (folder / MODULES).is_file():
        return None
    modules = [_module(one, folder, option) for one in _listed(folder / MODULES)]
    kinds = [kind for kind, _ in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        expected = "one whose modules are Transformer, Pooling (of the last token) and Normalize"
        raise CheckpointError(must_be(option, expected, f"{folder}, with {', '.join(kinds) or 'no module'}", _HINT))
    transformer, pooling = (folder / place for _, place in modules[:2])
    _check_pooling(folder, pooling, option)
    options = _options(transformer)
    _check_options(folder, options, option)
    settings = read_json(folder / _SETTINGS) if (folder / _SETTINGS).is_file() else {}
    kind = settings.get("model_type") or _MODEL
    if kind != _MODEL:
        raise CheckpointError(must_be(option, "a SentenceTransformer, one vector a content", f"{folder}, a {kind}"))
    remarks = ["its vectors are not normalised: here they are of unit length"] if len(modules) == 2 else []
    if settings.get("similarity_fn_name") in ("euclidean", "manhattan"):
        remarks.append(f"it compares by {settings['similarity_fn_name']} distance: here vectors are compared by cosine")
    prompts = {str(name): str(prompt or "") for name, prompt in (settings.get("prompts") or {}).items()}
    default = settings.get("default_prompt_name")
    return SentenceFolder(transformer, options, prompts, default if default in prompts else None, tuple(remarks))


def _listed(file: Path) -> list[Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read ({error}). Copy the folder again.") from error
    if not isinstance(value, list):
        raise DataError(must_be(str(file), "a list of modules", type(value).__name__, "Copy the folder again."))
    return value


def _module(told: Any, folder: Path, option: str) -> tuple[str, str]:
    """Returns the class of a module and where it lies."""
    if not isinstance(told, Mapping) or not isinstance(told.get("type"), str) or not isinstance(told.get("path"), str):
        raise CheckpointError(must_be(option, f"one whose {MODULES} lists modules with type and path", f"{folder}, with {told!r}"))
    package, _, kind = told["type"].rpartition(".")
    if package.partition(".")[0] != "sentence_transformers":
        hint = "A class of somebody else's is code that would have to be run; none is run here."
        raise CheckpointError(must_be(option, "of sentence-transformers' own modules", f"{folder}, with {told['type']}", hint))
    if Path(told["path"]).is_absolute() or ".." in Path(told["path"]).parts:
        raise CheckpointError(must_be(option, "one whose modules lie in it", f"{folder}, with a module at {told['path']}"))
    return kind, told["path"]


def _check_pooling(folder: Path, pooling: Path, option: str) -> None:
    told = read_json(pooling / "config.json", "The folder is not whole: copy it again.")
    modes = told.get("pooling_mode")
    if modes is None:
        on = [name.removeprefix(_MODE) for name, value in told.items() if name.startswith(_MODE) and value is True]
        modes = ["lasttoken" if mode == "lasttoken" else mode.removesuffix("_token").removesuffix("_tokens") for mode in on] or ["mean"]
    named = [modes] if isinstance(modes, str) else list(modes)
    if named != ["lasttoken"]:
        expected = "one that takes the state of the last token (pooling mode lasttoken), as every encoder here does"
        raise CheckpointError(must_be(option, expected, f"{folder}, with {' and '.join(map(str, named))}", _HINT))


def _options(transformer: Path) -> dict[str, Any]:
    file = transformer / _TRANSFORMER
    return read_json(file) if file.is_file() else {}


def _check_options(folder: Path, options: Mapping[str, Any], option: str) -> None:
    task = options.get("transformer_task") or "feature-extraction"
    if task != "feature-extraction":
        raise CheckpointError(must_be(option, "a model that gives states (feature-extraction)", f"{folder}, for {task}", _HINT))
    for name, (nothing, asked) in _REFUSED.items():
        if options.get(name) not in (nothing, None):
            what = f"{name} in the {_TRANSFORMER} of {folder}"
            raise CheckpointError(must_be(what, json.dumps(nothing), json.dumps(options[name]), f"So {asked}. {_HINT}"))
    for kind, params in (options.get("modality_config") or {}).items():
        called = (params.get("method"), params.get("method_output_name")) if isinstance(params, Mapping) else params
        if called != ("forward", "last_hidden_state"):
            expected = f"one whose model gives its last hidden states for {kind}"
            raise CheckpointError(must_be(option, expected, f"{folder}, with {called}", _HINT))
