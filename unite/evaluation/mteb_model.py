"""What mteb knows of a checkpoint: a name and a revision that come from it alone, and what is known of the model.

    runs/stage2_mamcl/2026-01-02_03-04-05  ->  unite/stage2_mamcl-2026-01-02_03-04-05-3f9a02c1, revision 3f9a02c1b5d7e860

So two evaluations of one checkpoint are one model, wherever they are written to, and two checkpoints are two, even of one folder's name.
How it was run, where that is not as by default, mteb keeps as an experiment of the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mteb.models.model_implementations import MODEL_REGISTRY
from mteb.models.model_meta import ModelMeta, ScoringFunction

from unite.embedding.embed import Encoder
from unite.embedding.fingerprints import encoder_fingerprint
from unite.errors import DataError, must_be
from unite.files import read_json
from unite.media import KINDS

_OUTSIDE_NAMES = re.compile(r"[^\w.-]+")


def meta_of(encoder: Encoder, label: str, settings: Mapping[str, Any]) -> ModelMeta:
    """Returns what mteb records of an encoder, and has `mteb.get_model_meta` know it from now on.

    What is not known (licence, languages, what it was trained on, ...) stays None.

    Args:
        label: what its checkpoint is called (`unite.checkpoints.checkpoint_label`).
        settings: how it is run where that is not as by default.
    """
    fingerprint = f"{encoder_fingerprint(encoder):016x}"  # type: ignore[arg-type]  # an encoder is a module
    parameters = list(encoder.parameters())
    reads = getattr(getattr(encoder.processor, "reader", None), "modalities", None)
    meta = ModelMeta(
        loader=None,
        name=f"unite/{_OUTSIDE_NAMES.sub('-', label).strip('-')}-{fingerprint[:8]}",
        revision=fingerprint,
        release_date=None,
        languages=None,
        n_parameters=sum(parameter.numel() for parameter in parameters),
        n_embedding_parameters=_num_of_embedding(encoder),
        memory_usage_mb=sum(parameter.numel() * parameter.element_size() for parameter in parameters) / 2**20,
        max_tokens=getattr(encoder.processor, "max_length", None),
        embed_dim=getattr(encoder, "dim", None),
        license=None,
        open_weights=None,
        public_training_code=None,
        public_training_data=None,
        framework=["PyTorch"],
        similarity_fn_name=ScoringFunction.COSINE,
        use_instructions=True,  # it takes them, and without is an experiment of it
        training_datasets=None,
        modalities=["text", *(kind.word for kind in KINDS if reads is None or kind.modality in reads)],  # type: ignore[list-item]
        experiment_kwargs=dict(settings) or None,
    )
    MODEL_REGISTRY[str(meta.name)] = meta.model_copy(update={"experiment_kwargs": None})
    return meta


def register_evaluated(folder: str | Path) -> list[ModelMeta]:
    """Has `mteb.get_model_meta` know what was evaluated into a folder by another process, so that mteb's own tools read its results.

    >>> [model] = register_evaluated("runs/evaluate/2026-01-02_03-04-05")
    >>> mteb.ResultCache(cache_path="runs/evaluate/2026-01-02_03-04-05/mteb").load_results(models=[model.name])

    Args:
        folder: of a run, or one with many runs in it.

    Raises:
        DataError: if nothing of mteb's is there.
    """
    found: dict[str, ModelMeta] = {}
    for path in sorted(Path(folder).rglob("mteb/results/unite__*/**/model_meta.json")):
        written = read_json(path, "Evaluate the checkpoint again.")
        fields = {name: value for name, value in written.items() if name in ModelMeta.model_fields}
        meta = ModelMeta(**{**fields, "loader": None, "experiment_kwargs": None})
        found[str(meta.name)] = MODEL_REGISTRY[str(meta.name)] = meta
    if not found:
        hint = "It is the run folder that python -m unite.evaluate suite=mteb named at its end."
        raise DataError(must_be(str(folder), "a folder with results of mteb", "without any", hint))
    return list(found.values())


def _num_of_embedding(encoder: Any) -> int | None:
    """Returns the weights of the table of tokens; None of an encoder that has none that is known."""
    find = getattr(getattr(encoder, "model", None), "get_input_embeddings", None)
    table = find() if find else None
    return None if table is None else int(table.weight.numel())
