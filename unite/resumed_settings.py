"""What a resumed run may change: settings that its checkpoints depend on stay as they were, what else changed is told."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from unite.config.moved import as_of_today
from unite.errors import CheckpointError, ConfigError, must_be

log = logging.getLogger(__name__)

#: What the weights and the optimizer's state in a checkpoint depend on; the mixture checks its own part. But not where activations go.
_KEPT = re.compile(r"seed$|init_from|encoder|objective|optimizer|(alignment|adaptation)\.(objective|optimizer)")
_FREE = re.compile(r"encoder\.(gradient_checkpointing|attention)")
_UNTOLD = re.compile(r"resume$|run_folder$|logger|sweep\.|trainer\.progress_bar")


def check_resumed_settings(path: Path, text: str, is_over: Callable[[str], bool]) -> None:
    """Compares the config that a run was begun with and that of the command which resumes it; logs what else changed.

    Args:
        path: the file of the first.
        text: of the second.
        is_over: of a stage's name, whether its encoder is exported.

    Raises:
        CheckpointError: if the file cannot be read.
        ConfigError: if something changed that the checkpoints depend on, or the length of a stage that is over: it would be ignored, or do
            harm.
    """
    try:
        before, now = (as_of_today(dict(flat(yaml.safe_load(config)))) for config in (path.read_text(), text))
    except yaml.YAMLError as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Mend it, or begin a new run without resume=true.") from error
    built_in = str(before.get("encoder.checkpoint._target_")).endswith(".build_tiny_checkpoint")
    if built_in and "encoder.checkpoint.architecture" not in before:
        hint = "Finish the run with that version, or begin a new one without resume=true; finished runs are evaluated as ever."
        made = "by commit 2ff6e78 or earlier, whose built-in encoder has other tokens"
        raise ConfigError(must_be(f"the run {path.parent}, which is to be resumed,", "begun by this version", made, hint))
    keys = sorted({*before, *now}, key=lambda key: (key.count("."), not key.endswith(".name"), key))  # a name tells most
    changed = {key: (before.get(key), now.get(key)) for key in keys if before.get(key) != now.get(key)}
    for key, (old, new) in changed.items():
        if key in before and _KEPT.match(key) and not _FREE.match(key):
            hint = f"So says {path}. Resume with that; to train on otherwise, start another run with init_from=<a finished run>."
            raise ConfigError(must_be(f"{key} of the resumed run", repr(old), new, hint))
    over = {stage: is_over(str(before.get(f"{stage}.name"))) for stage in ("alignment", "adaptation")}
    for stage in over:
        steps = f"{stage}.max_steps"
        if steps in changed and over[stage]:
            hint = f"That stage is behind it. To train on, start another run with init_from={path.parent}."
            raise ConfigError(must_be(f"{steps} of the resumed run", before[steps], changed[steps][1], hint))
    told = [f"{key} was {old!r} and is {new!r}" for key, (old, new) in changed.items() if not _UNTOLD.match(key)]
    if told:
        what = "is trained, and evaluated with other settings, if they are of that" if all(over.values()) else "goes on with other settings"
        log.warning("the resumed run %s: %s", what, "; ".join(told))


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields (dotted key, value) of a config; an empty mapping has none."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
