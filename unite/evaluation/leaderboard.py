"""The file that the leaderboard of MMEB-V2 takes: a model, and of each task every metric at 1, 5 and 10.

    {"metadata": {"model_name": ..., "model_size": ..., ...},
     "metrics": {"image": {"ImageNet-1K": {"hit@1": 0.8, ..., "num_pred": 1000, "num_data": 1000}}, "video": {...}, "visdoc": {...}}}

Names, metadata and metrics as `experiments/report_score_v2.py`, `eval.py` and `src/utils/eval_utils/metrics.py` of TIGER-AI-Lab/VLM2Vec
write them; a task without result is "FILE_N/A", as there. All metrics follow from the ranks, so a task need not name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from unite.checkpoints import checkpoint_label
from unite.config.schema.evaluation import LeaderboardConfig
from unite.embedding.embed import Encoder
from unite.errors import first_of
from unite.evaluation.metrics import per_query
from unite.evaluation.results import SuiteResult, TaskResult
from unite.files import write_json

FILE = "leaderboard.json"
#: The file's names of metrics -> ours.
_METRICS = {name: name for name in ("hit", "ndcg_linear", "ndcg_exponential", "precision", "recall", "f1", "mrr")} | {"map": "map_capped"}
_AT = (1, 5, 10)
_NOT_RUN = "FILE_N/A"


def write_leaderboard(folder: Path, result: SuiteResult, config: LeaderboardConfig, encoder: Encoder) -> str:
    """Writes the file into a run's folder, and returns what a user is to know of it: what it lacks, and how to give it."""
    metadata = model_metadata(config, encoder)
    metrics = {
        modality: {config.task_names.get(task, task): _all_metrics(result.tasks.get(task)) for task in result.groups[modality]}
        for modality in config.modalities
    }
    write_json(folder / FILE, {"metadata": metadata, "metrics": metrics})
    tasks = [task for modality in config.modalities for task in result.groups[modality]]
    lacking = [task for task in tasks if task not in result.tasks]
    told = [f"{folder / FILE} is for the leaderboard of the benchmark: {len(tasks) - len(lacking)} of its {len(tasks)} tasks."]
    if lacking:
        told.append(f"Without {first_of(lacking, 4)} it cannot be handed in.")
    if unknown := [name for name, value in metadata.items() if value is None and hasattr(config, name)]:
        told.append(f"It does not say {', '.join(unknown)}: give {' '.join(f'suite.leaderboard.{name}=...' for name in unknown)}")
    return " ".join(told)


def model_metadata(config: LeaderboardConfig, encoder: Encoder) -> dict[str, str | int | None]:
    """Returns what the file says of the model: what the config gives, and what the encoder tells; None where nobody does."""
    path, model = getattr(getattr(encoder, "config", None), "path", None), getattr(encoder, "model", None)
    size = sum(parameter.numel() for parameter in encoder.parameters())
    return {
        "model_name": config.model_name or (checkpoint_label(path) if path else None),
        "model_backbone": config.model_backbone or getattr(getattr(model, "config", None), "model_type", None),
        "model_size": config.model_size or f"{size / 1e9:.3g}B parameters",
        "embedding_dimension": getattr(encoder, "dim", None),
        "max_length_tokens": getattr(encoder.processor, "max_length", None),
        "model_release_date": config.model_release_date,
        "data_source": config.data_source,
        "url": config.url,
        "report_generated_date": datetime.now().isoformat(),
    }


def _all_metrics(task: TaskResult | None) -> Mapping[str, Any] | str:
    if task is None:
        return _NOT_RUN
    judged = list(task.judged.values())
    metrics = {f"{name}@{k}": float(per_query(f"{ours}@{k}", judged).mean()) for name, ours in _METRICS.items() for k in _AT}
    return {**metrics, "num_pred": len(judged), "num_data": len(judged)}
