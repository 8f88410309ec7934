"""The one place where schema and resolvers are handed to Hydra."""

from __future__ import annotations

import math
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from unite.config import schema
from unite.config.folder import CONF as CONF
from unite.config.folder import nearest_existing, user_cache
from unite.config.hydra_setup import set_up_hydra
from unite.config.resumed import resumed_run, unfinished_runs
from unite.errors import ConfigError, must_be

#: The environment variable that holds what names the run: when it was started.
RUN_STARTED = "UNITE_RUN_STARTED"


@dataclass(frozen=True)
class _Entry:
    """A schema node: YAML options name it in their defaults list."""

    name: str
    node: type
    group: str | None = None


_ENTRIES = (
    _Entry("train_schema", schema.TrainConfig),
    _Entry("evaluate_schema", schema.EvaluateConfig),
    _Entry("audit_schema", schema.AuditConfig),
    _Entry("curate_schema", schema.CurateConfig),
    _Entry("stamps_schema", schema.StampsConfig),
    _Entry("export_schema", schema.ExportConfig),
    _Entry("embed_schema", schema.EmbedConfig),
    _Entry("index_schema", schema.IndexConfig),
    _Entry("search_schema", schema.ServeConfig),
    _Entry("schema", schema.SourceConfig, "source"),
    _Entry("schema", schema.MixtureConfig, "mixture"),
    _Entry("schema", schema.StageConfig, "alignment"),
    _Entry("schema", schema.StageConfig, "adaptation"),
    _Entry("infonce_schema", schema.InfoNCEConfig, "objective"),
    _Entry("mamcl_schema", schema.MAMCLConfig, "objective"),
    _Entry("matryoshka_schema", schema.MatryoshkaConfig, "objective"),
    _Entry("schema", schema.EncoderConfig, "encoder"),
    _Entry("assembled_checkpoint_schema", schema.AssembledCheckpointConfig, "encoder"),
    _Entry("tiny_checkpoint_schema", schema.TinyCheckpointConfig, "encoder"),
    _Entry("schema", schema.LoRAConfig, "adapter"),
    _Entry("schema", schema.AdamWConfig, "optimizer"),
    _Entry("adamw_8bit_schema", schema.AdamW8bitConfig, "optimizer"),
    _Entry("adafactor_schema", schema.AdafactorConfig, "optimizer"),
    _Entry("muon_schema", schema.MuonConfig, "optimizer"),
    _Entry("schema", schema.TrainerConfig, "trainer"),
    _Entry("schema", schema.LoggerConfig, "logger"),
    _Entry("schema", schema.ValidationConfig, "validation"),
    _Entry("schema", schema.SuiteConfig, "suite"),
    _Entry("mteb_schema", schema.MtebSuiteConfig, "suite"),
    _Entry("pairs_schema", schema.PairsSuiteConfig, "suite"),
    _Entry("jobs", schema.JobSweeperConfig, "hydra/sweeper"),
    _Entry("processes", schema.ProcessLauncherConfig, "hydra/launcher"),
)


def register() -> None:
    """Registers the schema and the resolvers; entry points call it once, before Hydra composes."""
    set_up_hydra(CONF)
    store = ConfigStore.instance()
    for entry in _ENTRIES:
        store.store(name=entry.name, node=_open(OmegaConf.structured(entry.node)), group=entry.group)
    # The run's start is one moment: cached, or the folder's name would change while the run goes on.
    OmegaConf.register_new_resolver("run_folder", _run_folder, replace=True, use_cache=True)
    OmegaConf.register_new_resolver("sweep_folder", _sweep_folder, replace=True, use_cache=True)
    OmegaConf.register_new_resolver("user_cache", _user_cache, replace=True)
    OmegaConf.register_new_resolver("num_steps", _num_steps, replace=True)
    OmegaConf.register_new_resolver("option_help", _option_help, replace=True)


def _open(node: DictConfig) -> DictConfig:
    """Lets a command write into mappings of plain values, whose keys are the user's: `'prompts={query: Find it.}'` needs no plus.

    Of all else Hydra refuses a key that is not there, since it is misspelt.
    """
    for name in map(str, node):
        value = None if OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name) else node[name]
        if isinstance(value, DictConfig):
            if OmegaConf.get_type(value) is dict and value._metadata.element_type in (str, int, float):
                OmegaConf.set_struct(value, False)
            else:
                _open(value)
    return node


def _user_cache(name: str) -> str | None:
    folder = user_cache()
    return None if folder is None else str(folder / name)


def _option_help(command: str, *, _root_: DictConfig) -> str:
    """Returns what `--help` shows."""
    from unite.config.help import help_text

    return help_text(command, _root_)


def run_started() -> str:
    """Returns what names the run's folder; processes that are started for the other ranks inherit it, and so the folder.

    The moment of the start, and four random digits: two runs may be started within one second.
    """
    return os.environ.setdefault(RUN_STARTED, f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{secrets.token_hex(2)}")


def _num_steps(max_steps: int, max_samples: int | None, batch_size: int) -> int:
    """Returns the steps that show a number of samples, the last batch whole; without one, the steps that were asked for."""
    return max_steps if max_samples is None else math.ceil(max_samples / max(1, batch_size))


def _run_folder(root: str, name: str, resume: bool | str) -> str:
    """Returns a new folder, or with `resume` the newest unfinished one of that name (a new one if there is none), or the one it names."""
    folder = _writable(root) / name
    try:
        named = resumed_run(resume, root, name)
    except ConfigError as error:  # Hydra shows a traceback of whatever else is raised here
        raise SystemExit(f"ConfigError: {error}") from error
    if named is not None:
        return str(named.folder)
    unfinished = unfinished_runs(folder) if resume else []
    return str(folder / (unfinished[-1] if unfinished else run_started()))


def _sweep_folder(root: str, name: str, resume: bool | str) -> str:
    """Returns a new folder, or with `resume` that of the newest sweep of that name (a new one if there is none)."""
    folder = _writable(root) / name
    begun = [path.parent for path in folder.glob("sweep_*/sweep.json")] if resume else []
    return str(max(begun, key=lambda path: path.name) if begun else folder / f"sweep_{run_started()}")


def _writable(root: str) -> Path:
    nearest = nearest_existing(root)
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        # Hydra itself is the first to write there, and shows a traceback of whatever else is raised, there or here.
        raise SystemExit(f"ConfigError: {must_be('runs_root', 'a folder that can be written', root)}")
    return Path(root)
