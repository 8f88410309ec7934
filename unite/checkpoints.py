"""The one answer to what a checkpoint's name means, before anything is loaded."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from unite.config.resumed import FINISHED
from unite.errors import CheckpointError, first_of, must_be
from unite.files import read_json
from unite.sentence_modules import sentence_folder

#: What a checkpoint's folder has one of: a model's, or an adapter's.
_OF_CHECKPOINT = ("config.json", "adapter_config.json")
#: Where runs lie unless `runs_root` says otherwise.
_RUNS = Path("runs")
#: Of the hub: `name`, or `owner/name`.
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


def find_checkpoint(name: str | Path, option: str = "checkpoint") -> str:
    """Returns what a checkpoint's name means: the folder of an encoder, or a name on the hub. Nothing is loaded.

    Args:
        name: a run folder (its exported encoder is meant), the folder of an encoder, an adapter or a SentenceTransformer, or a hub name
            (`Qwen/Qwen2-VL-2B-Instruct`) that was downloaded before, or can be.
        option: what the user calls it, for the error.

    Raises:
        CheckpointError: if it is none of these: no such path, a run that has no encoder yet, another folder or file, or a hub name that
            is not in the local cache where it cannot be downloaded; or if files of weights that its index names are missing, or
            sentence-transformers saved it with what an encoder here has not.
    """
    folder = Path(name)
    saved = sentence_folder(folder, option) if str(name) else None
    if saved is not None and (saved.transformer / "config.json").is_file():
        check_whole(saved.transformer, option)
        return str(folder)
    for candidate in (folder / "encoder", folder):
        if any((candidate / file).is_file() for file in _OF_CHECKPOINT):
            check_whole(candidate, option)
            return str(candidate)
    if folder.exists() and str(name):
        is_run, is_finished = ((folder / file).is_file() for file in ("config.yaml", FINISHED))
        what = "a run that is not finished" if is_run else "a folder without it" if folder.is_dir() else "a file"
        hint = "A run exports its encoder when its last stage ends; an unfinished one can be continued with resume=true."
        if is_run and is_finished:
            what, hint = "a finished run whose encoder is not there", "Copy the run's folder again: it is not whole."
        elif not is_run and (runs := sorted(mark.parent for mark in folder.glob("*/" + FINISHED))):
            what = f"a folder of {len(runs)} finished run{'s' if len(runs) > 1 else ''}"
            hint = f"Name one: {first_of([run.as_posix() for run in runs])}."
    elif _HUB_NAME.fullmatch(str(name)):
        if _is_downloaded(str(name)):
            return str(name)
        if folder.parent != Path() and folder.parent.is_dir():  # `runs/x` looks like a hub name
            what, hint = "which is not there", _near(folder)
        elif named := _runs_of(str(name)):
            what, hint = "which is not there", f"A run is named by its folder: {first_of(named)}."
        elif _is_offline():
            what, hint = "which was not downloaded before", "With HF_HUB_OFFLINE=0 it is downloaded; for a folder, check the path."
        else:
            return str(name)
    else:
        what, hint = "no folder", _near(folder)
    expected = "a run folder that holds encoder/config.json, the folder of an encoder or of a checkpoint (with config.json) or a hub name"
    raise CheckpointError(must_be(option, expected, f"{name}, {what}", hint))


def checkpoint_label(path: str | Path) -> str:
    """Returns what a checkpoint is called in records that others keep: nothing of where it lies, so that a moved one is called the same.

    Args:
        path: as `find_checkpoint` returns it, or a run folder.

    Returns:
        `stage2_mamcl-2026-01-02_03-04-05` of a run, the name of another folder, and of a hub name what follows the owner.
    """
    folder = Path(path)
    if not folder.is_dir():
        return folder.name
    folder = folder.resolve()
    folder = folder.parent if folder.name == "encoder" else folder
    return f"{folder.parent.name}-{folder.name}" if (folder / "config.yaml").is_file() else folder.name


def check_whole(folder: Path, option: str) -> None:
    """Refuses a folder without files of weights that its index names.

    Args:
        folder: of a checkpoint; what is none, a hub name say, is let through.
        option: what the user calls it, for the error.

    Raises:
        CheckpointError: if one is missing.
    """
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file() or not index.is_file():
        return
    try:
        files = set(map(str, read_json(index, "Copy it again.")["weight_map"].values()))
    except (KeyError, AttributeError) as error:
        raise CheckpointError(f"{index} is not readable ({error!r}). Copy it again.") from error
    if missing := sorted(file for file in files if not (folder / file).is_file()):
        found = f"{folder}, without {len(missing)} of its {len(files)} files of weights: {', '.join(missing[:3])}"
        raise CheckpointError(must_be(option, "a whole checkpoint", found, "Copy what is missing."))


def _near(folder: Path) -> str:
    """Returns a sentence about the folders of about that name."""
    beside = [path.name for path in folder.parent.iterdir() if path.is_dir()] if folder.parent.is_dir() else []
    near = [str(folder.parent / name) for name in get_close_matches(folder.name, beside)]
    return f"Near it: {', '.join(near)}." if near else "Check the path."


def _runs_of(name: str) -> list[str]:
    """Returns the folders of finished runs that somebody may mean who gives their name alone. Hub names look alike, so none is taken."""
    return sorted(mark.parent.as_posix() for depth in range(3) for mark in _RUNS.glob("*/" * depth + f"{name}/{FINISHED}"))


def _is_downloaded(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return any(isinstance(try_to_load_from_cache(name, file), str) for file in _OF_CHECKPOINT)


def _is_offline() -> bool:
    from huggingface_hub import is_offline_mode

    return bool(is_offline_mode())
