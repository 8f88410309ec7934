"""How a run was trained, what its encoder is, and what it took, as the run's folder tells."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from unite.checkpoints import checkpoint_label
from unite.config.resumed import FINISHED
from unite.config.schema.encoder import READING_FILE
from unite.config.schema.prompt import PromptConfig
from unite.config.schema.validation import Export
from unite.files import read_json
from unite.runs import CONFIG, read_config
from unite.tracking.recorded import batch_size_of, matryoshka_dims, trained_stages
from unite.tracking.run_log import StageLog

#: Of options that name a component or data of the user's own.
_NOT_TOLD = ("_target_",)
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class StageFacts:
    """One stage that was trained.

    Attributes:
        name: of the stage.
        num_steps, batch_size: its length, and the samples of a step.
        objective, optimizer: the class and its settings, `MAMCL(temperature=0.03, symmetric=True)`.
        hours: that its steps took by the log, without validation and export; None where the log has no row of it.
        num_tokens: that went through the encoder, without padding; None likewise.
        samples_per_second: the mean over the stage; None likewise.
    """

    name: str
    num_steps: int
    batch_size: int
    objective: str
    optimizer: str
    hours: float | None
    num_tokens: float | None
    samples_per_second: float | None


def stage_facts(config: Mapping[str, Any], logs: Sequence[StageLog]) -> list[StageFacts]:
    """Returns the stages of a run that were trained, in their order."""
    found = []
    for name, stage in trained_stages(config).items():
        log = next((log for log in logs if log.name == name), None)
        hours = max(log.hours.values(), default=0.0) if log else 0.0
        samples = max(log.samples.values(), default=0.0) if log else 0.0
        found.append(
            StageFacts(
                name=name,
                num_steps=int(stage["max_steps"]),
                batch_size=batch_size_of(config),
                objective=component_told(stage.get("objective") or config.get("objective") or {}),
                optimizer=component_told(stage.get("optimizer") or config.get("optimizer") or {}),
                hours=hours or None,
                num_tokens=(max(log.tokens.values(), default=0.0) or None) if log else None,
                samples_per_second=samples / hours / 3600 if hours else None,
            )
        )
    return found


def component_told(options: Mapping[str, Any]) -> str:
    """Returns a component's class with its settings, without those that are off: `MAMCL(temperature=0.03, symmetric=True)`."""
    kind = str(options.get("_target_", "")).rpartition(".")[2] or "unknown"
    given = {name: value for name, value in options.items() if name not in _NOT_TOLD and value not in (None, False, 0, {}, [])}
    within = {name: component_told(value) for name, value in given.items() if isinstance(value, Mapping) and "_target_" in value}
    return f"{kind}({', '.join(f'{name}={value}' for name, value in (given | within).items())})"


def encoder_facts(folder: Path, config: Mapping[str, Any], dtype: str = "") -> dict[str, str]:
    """Returns what the exported encoder of a run is: name -> value.

    Args:
        folder, config: of the run.
        dtype: of the weights beside the card; by default that of the run's encoder.

    Raises:
        DataError: if a file of it cannot be read.
    """
    exported = folder / "encoder"
    model = read_json(exported / "config.json", "The run's encoder is not whole: copy the run's folder again.")
    reading = read_json(exported / READING_FILE)
    text = model.get("text_config") or model
    num = _num_parameters(exported)
    options = config.get("encoder") or {}
    trained = _adapter_told(options) if options.get("adapter") else "the language model whole"
    if options.get("train_vision"):
        trained += ", the vision tower whole"
    if options.get("frozen"):
        trained += f"; frozen: {', '.join(map(str, options['frozen']))}"
    prompt = reading.get("prompt") or {}
    return {
        "architecture": str(model.get("model_type", "unknown")),
        "parameters": f"{num:,}" if num else "unknown",
        "embedding": f"{text.get('hidden_size', 'unknown')} numbers, unit length: compared by cosine{_widths_told(config, text)}",
        "pooling": f"{str(reading.get('pooling', 'last_token')).replace('_', ' ')}, then normalised",
        "type of the weights": _type_told(str(reading.get("dtype", "unknown")), dtype),
        "prompt": str(prompt.get("name", PromptConfig().name)),
        "longest content": f"{reading.get('max_length')} tokens; a longer text loses its end",
        "images": f"{reading.get('min_image_tokens')} to {reading.get('max_image_tokens')} visual tokens",
        "video frames": f"at most {reading.get('max_frame_pixels'):,} pixels each{_frames_told(config)}",
        "trained": trained,
        "weights": _weights_told(folder, config),
    }


def _type_told(trained: str, exported: str) -> str:
    return f"{exported}; trained and evaluated in {trained}" if exported not in ("", trained) else trained


def _widths_told(config: Mapping[str, Any], text: Mapping[str, Any]) -> str:
    """Returns the widths of a Matryoshka run below the whole one."""
    widths = [dim for dim in matryoshka_dims(config) if dim != text.get("hidden_size")]
    return f"; may be cut to {', '.join(map(str, widths))} (truncate_dim)" if widths else ""


def _weights_told(folder: Path, config: Mapping[str, Any]) -> str:
    """Returns which of the weights that training went through these are."""
    name, stage = next(reversed(trained_stages(config).items()), ("", {}))
    decay = (stage.get("optimizer") or config.get("optimizer") or {}).get("ema_decay")
    what = f"an average over the steps (ema_decay={decay})" if decay else "the model's own"
    if config.get("export") != Export.best:
        return f"{what}, at the end of training"
    best = folder / "checkpoints" / name / "best" / "best.json"  # a sweep may have removed it
    when = f"step {read_json(best)['step']}, the" if best.is_file() else "the step that was"
    return f"{what}, at {when} best in validation"


def _frames_told(config: Mapping[str, Any]) -> str:
    decodings = [source.get("decoding") or {} for source in ((config.get("mixture") or {}).get("sources") or {}).values()]
    if not decodings or any(decoding != decodings[0] for decoding in decodings):
        return ""
    names = ("min_frames", "max_frames", "fps")
    low, high, fps = (decodings[0].get(name) for name in names)
    return f", {low} to {high} of a video, {fps:g} a second" if None not in (low, high, fps) else ""


def _adapter_told(options: Mapping[str, Any]) -> str:
    adapter = options["adapter"]
    targets = ", ".join(map(str, adapter.get("targets") or ["language"]))
    held = f" (weights held in {options['quantization']} meanwhile)" if options.get("quantization") else ""
    return f"LoRA of rank {adapter.get('r')}, alpha {adapter.get('alpha')}, on {targets}{held}; merged"


def _num_parameters(folder: Path) -> int:
    """Returns how many numbers the weights are, by the headers of their files."""
    total = 0
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="numpy") as weights:
            total += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118 - no mapping
    return total


def base_model(config: Mapping[str, Any]) -> str | None:
    """Returns the Hub's name of what the weights come from in the end; None of random weights and of a folder."""
    start = _start(config) or ""
    return start if _HUB_NAME.fullmatch(start) and not Path(start).exists() else None


def start_told(config: Mapping[str, Any]) -> str:
    """Returns in words which weights the run started from, without where they lay."""
    options = config.get("encoder") or {}
    init = config.get("init_from")
    if init:
        return f"the encoder of {checkpoint_label(init)}"
    if options.get("checkpoint"):
        checkpoint = options["checkpoint"]
        return (
            f"random weights ({checkpoint.get('architecture', 'an architecture')} at toy width, seed {checkpoint.get('seed', 'unknown')})"
        )
    named = str(options.get("path") or "")
    return named if base_model(config) == named and named else checkpoint_label(named) if named else "unknown"


def _start(config: Mapping[str, Any], depth: int = 0) -> str | None:
    """Returns the path of what the first of a chain of runs started from, as far as their folders are here."""
    init = config.get("init_from")
    if not init:
        return str((config.get("encoder") or {}).get("path") or "") or None
    folder = Path(init)
    folder = folder.parent if folder.name == "encoder" else folder
    if depth < 8 and (folder / FINISHED).is_file() and (folder / CONFIG).is_file():
        return _start(read_config(folder), depth + 1)
    return str(init)


def device_told(provenance: Mapping[str, Any]) -> str:
    """Returns what a run was trained on: `8 x NVIDIA H200`; "not recorded" of runs of earlier versions."""
    hardware = provenance.get("hardware") or {}
    threads = f", torch threads in each: {hardware['threads']}" if hardware.get("threads") else ""
    return f"{hardware.get('count', 1)} x {hardware['device']}{threads}" if hardware.get("device") else "not recorded"
