"""What the config tells of a training: its lengths, strategy, precision, validation and the weights that it starts from. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unite.checkpoints import find_checkpoint
from unite.config.schema import EmbedConfig, EvaluateConfig, Export, TrainConfig, TrainerConfig
from unite.config.schema.encoder import READING_FILE
from unite.config.schema.sweep import Keep
from unite.errors import ConfigError, UniteError, caught, must_be, must_be_one_of
from unite.files import read_json

#: Of Lightning's precisions, by the names that it has for each.
PRECISIONS = {"32-true": "32-true", "32": "32-true", "bf16-mixed": "bf16-mixed", "bf16": "bf16-mixed"}
#: Those that the step was made for: Lightning's choice where a process is alone, and our own.
STRATEGIES = ("auto", "unite", "sharded")
#: The optimizers that `sharded` does not go with, and why.
_OF_WHOLE_TENSORS = {
    "MuonCosine": "Muon makes whole matrices orthogonal, and a rank holds some of their rows.",
    "AdafactorCosine": "Adafactor looks at the rows and columns of whole matrices, and a rank holds some of their rows.",
    "AdamW8bitCosine": "bitsandbytes knows no sharded weights.",
}

Faults = Iterator[UniteError]


def seed_faults(config: TrainConfig) -> Faults:
    """Yields a seed that NumPy cannot take."""
    if not 0 <= config.seed < 2**32:
        yield ConfigError(must_be("seed", f"from 0 to {2**32 - 1}", config.seed))


def sweep_faults(config: TrainConfig) -> Faults:
    """Yields what is wrong with how a sweep runs, and with what it keeps."""
    if config.sweep.num_parallel < 1:
        yield ConfigError(must_be("sweep.num_parallel", "at least 1", config.sweep.num_parallel))
    if config.sweep.keep is Keep.best and not config.validation.every_n_steps:
        hint = "Choose validation=held_out or validation=suite."
        yield ConfigError(must_be("sweep.keep", "last, stages or none where nothing is validated", "best", hint))


def length_faults(config: TrainConfig) -> Faults:
    """Yields stages of less than no steps (trainer.max_steps is that of the adaptation), or that there is no stage."""
    lengths = {"alignment.max_steps": config.alignment.max_steps, "trainer.max_steps": config.adaptation.max_steps}
    for name, steps in lengths.items():
        if steps < 0:
            yield ConfigError(must_be(name, "at least 0 (which leaves the stage out)", steps))
    if not any(lengths.values()):
        hint = "Give alignment.max_steps or trainer.max_steps a number above 0."
        yield ConfigError(must_be("the number of stages", "at least 1", 0, hint))


def budget_faults(config: TrainConfig) -> Faults:
    """Yields a token budget that holds less than one content may be long."""
    option, longest = "encoder.max_length", config.encoder.get("max_length")
    lower = f", or lower encoder.max_length to {config.data.token_budget}"
    settings = Path(config.init_from or config.encoder.get("path") or "")
    for file in (settings / "encoder" / READING_FILE, settings / READING_FILE):
        if file.is_file() and (config.init_from or config.encoder.get("checkpoint") is None):  # what it was exported with wins
            option, saved = f"max_length in {file}", read_json(file).get("max_length")
            longest = saved if isinstance(saved, int) else None  # what else it is, is told as the encoder is read
            lower = ""
            break
    if longest is not None and config.data.token_budget < longest:
        hint = f"A content of that length would fit no micro-batch: raise data.token_budget to {longest}{lower}."
        yield ConfigError(must_be("data.token_budget", f"at least {option} ({longest})", config.data.token_budget, hint))


def device_faults(trainer: TrainerConfig) -> Faults:
    """Yields a strategy or precision that would train on wrong gradients or hang."""
    if trainer.strategy not in STRATEGIES:
        hint = (
            "Others expect one backward pass a step, or average what must be summed: the ranks would wait for ever, or train on wrong "
            "gradients."
        )
        yield ConfigError(must_be_one_of("trainer.strategy", STRATEGIES, trainer.strategy, hint))
    if str(trainer.precision) not in PRECISIONS:
        hint = (
            "bf16-mixed has the range of float32, so that gradients need no scaling. Weights that are not trained are kept in bfloat16 by "
            "encoder.dtype=bfloat16, with either."
        )
        yield ConfigError(must_be_one_of("trainer.precision", sorted(set(PRECISIONS.values())), trainer.precision, hint))


def sharded_faults(config: TrainConfig) -> Faults:
    """Yields what does not go with weights that are sharded over the ranks."""
    if config.trainer.strategy != "sharded":
        return
    hint = "trainer.strategy=unite, which holds all weights on every rank, has no such bound."
    if config.encoder.get("quantization") is not None:
        hint_of_weights = f"Weights in 4 bits are not sharded. {hint}"
        yield ConfigError(
            must_be("encoder.quantization", "null with trainer.strategy=sharded", str(config.encoder.quantization), hint_of_weights)
        )
    if config.feature_cache.folder is not None:
        hint_of_features = f"A rank that finds more on disk than another would call the tower less often, and wait for ever. {hint}"
        expected = "null with trainer.strategy=sharded"
        yield ConfigError(must_be("feature_cache.folder", expected, config.feature_cache.folder, hint_of_features))
    for stage, options in (("alignment", config.alignment), ("adaptation", config.adaptation)):
        if options.max_steps == 0:
            continue
        optimizer: Any = options.optimizer
        name = str(optimizer.get("_target_")).rpartition(".")[2]
        if name in _OF_WHOLE_TENSORS:
            expected = "AdamW with trainer.strategy=sharded"
            hint_of_steps = f"{_OF_WHOLE_TENSORS[name]} Take optimizer=adamw or from_scratch. {hint}"
            yield ConfigError(must_be(f"{stage}.optimizer", expected, name, hint_of_steps))
        if optimizer.get("ema_decay") is not None:
            hint_of_average = f"The average of sharded weights is not kept. {hint}"
            expected = "null with trainer.strategy=sharded"
            yield ConfigError(must_be(f"{stage}.optimizer.ema_decay", expected, optimizer.ema_decay, hint_of_average))


def negligible_faults(config: TrainConfig) -> Faults:
    """Yields what contents cannot be left out with."""
    bound = config.trainer.negligible_gradient
    if not bound:
        return
    if config.trainer.strategy == "sharded":
        hint = "All ranks must pass equally many micro-batches, and each would leave out others."
        yield ConfigError(must_be("trainer.negligible_gradient", "0 with trainer.strategy=sharded", bound, hint))
    adapter: Any = config.encoder.get("adapter")
    if adapter is not None and adapter.get("dropout"):
        hint = "What is passed again would draw another dropout than in the pass that the loss is of. Set encoder.adapter.dropout=0."
        yield ConfigError(must_be("trainer.negligible_gradient", f"0 with encoder.adapter.dropout={adapter.dropout:g}", bound, hint))


def validation_faults(config: TrainConfig) -> Faults:
    """Yields a validation on nothing, and an export of what is best by no validation."""
    given = config.validation
    if given.every_n_steps and given.held_out is None and given.suite is None:
        hint = "Choose validation=held_out, validation=suite with a suite, or validation=none."
        yield ConfigError(must_be("validation.held_out or validation.suite", "given", "null both", hint))
    if config.export is Export.best and not (given.every_n_steps and config.adaptation.max_steps):
        hint = "Choose validation=held_out or validation=suite, with validation.every_n_steps above 0."
        yield ConfigError(must_be("export", "last where nothing is validated", str(config.export), hint))


def start_faults(config: TrainConfig) -> Faults:
    """Yields weights to start from that are not there, and those that random ones would be taken for."""
    is_random = config.encoder.get("checkpoint") is not None
    if is_random and (given := config.encoder.get("path")):
        hint = "Choose the encoder that it is, such as encoder=qwen2_vl_2b; a built-in one that was trained is named by init_from."
        expected = "empty where encoder.checkpoint builds random weights, as encoder=tiny does"
        yield ConfigError(must_be("encoder.path", expected, given, hint))
    if config.init_from is not None:
        yield from caught(find_checkpoint, config.init_from, "init_from")
    elif not is_random:
        yield from caught(find_checkpoint, config.encoder.path, "encoder.path")
    yield from base_faults(config)


def base_faults(config: TrainConfig | EvaluateConfig | EmbedConfig) -> Faults:
    """Yields the base of an adapter that is not there."""
    if config.encoder.get("base") is not None:
        yield from caught(find_checkpoint, config.encoder.base, "encoder.base")
