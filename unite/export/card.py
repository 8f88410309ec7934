"""The model card of a run: what the encoder learnt from and how, what it reaches, where it fails, and how it is used.

    config.yaml, provenance.json   the recipe and the data, with the datasheets beside the shards    card_data, card_recipe
    log/metrics.csv                what it took, and the curves                                      card_recipe, card_curves
    metrics.json, <suite>.json     results with intervals                                            card_results
    all of these                   limits                                                            card_limits

Everything in it is read from the run. What the run does not tell is said to be unknown; where files lay on a machine is left out.
"Model Cards for Model Reporting" (Mitchell et al., arXiv 1810.03993) asks the questions; the front matter is the Hub's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData
from markupsafe import Markup

from unite.checkpoints import checkpoint_label
from unite.config.resumed import FINISHED
from unite.errors import CheckpointError, must_be
from unite.evaluation.pair_names import arrow, short
from unite.evaluation.results import SuiteResult, read_suites
from unite.export.card_curves import curves_png, has_curves
from unite.export.card_data import SourceFacts, stage_sources
from unite.export.card_limits import limits_of
from unite.export.card_recipe import base_model, device_told, encoder_facts, stage_facts, start_told
from unite.export.card_results import other_metrics, pair_means
from unite.files import read_json
from unite.runs import CONFIG, read_config
from unite.templates import markdown_environment
from unite.tracking.recorded import read_log_of

CARD = "README.md"
#: Beside the card, which shows it.
CURVES = "training_curves.png"
_MARKS, _LINE_BREAKS = re.compile(r"[\\`*\[\]<>#!|~&]"), re.compile(r"[\r\n]+")
_HUB_DATA = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+)")


def card_files(run: str | Path, name: str = "", licence: str = "", dtype: str = "") -> dict[str, bytes]:
    """Returns the card and the picture of its curves, as they lie in an exported folder: name -> content.

    Args:
        run, name, licence, dtype: as `model_card` takes them.

    Raises:
        CheckpointError, DataError: as `model_card` does.
    """
    card = model_card(run, name, licence, dtype).encode(errors="backslashreplace")
    picture = curves_png(read_log_of(Path(run), _config(Path(run))))
    return {CARD: card} | ({} if picture is None else {CURVES: picture})


def model_card(run: str | Path, name: str = "", licence: str = "", dtype: str = "") -> str:
    """Returns the card as Markdown with the Hub's front matter. It shows `training_curves.png`, which `card_files` has too.

    Args:
        run: the folder of a finished run of `unite.train`.
        name: by which its snippets load the model: the exported folder as the reader names it, or its name on the Hub; by default what
            records call the run.
        licence: of the weights, by the Hub's word for it (`apache-2.0`). No run tells it: by default it is unknown.
        dtype: of the weights beside the card, where that is not the run's.

    Raises:
        CheckpointError: if the folder is no run, or its run is not finished.
        DataError: if a file in it cannot be read.
    """
    folder = Path(run)
    config = _config(folder)
    provenance = read_json(folder / "provenance.json", "It is a part of every finished run: copy the run's folder again.")
    suites = read_suites(folder)
    logs = read_log_of(folder, config)
    sources = stage_sources(config, provenance, logs)
    stages = stage_facts(config, logs)
    name = name or checkpoint_label(folder)
    template = markdown_environment("unite.export", (plain, percent, chance, short, arrow, python)).get_template("model_card.md.j2")
    return template.render(
        front=Markup(_front_matter(name, licence, config, sources, suites)),
        name=name,
        run=checkpoint_label(folder),
        title=name.rpartition("/")[2],
        encoder=encoder_facts(folder, config, dtype),
        start=start_told(config),
        base=base_model(config),
        sources=sources,
        stages=stages,
        seed=config.get("seed", "unknown"),
        code=provenance.get("git_commit") or "unknown",  # earlier runs lack some of it
        python_version=provenance.get("python") or "unknown",
        packages={package: version for package, version in (provenance.get("packages") or {}).items() if version},
        device=device_told(provenance),
        curves=CURVES if has_curves(logs) else None,
        suites=[(suite, other_metrics(suite), pair_means(suite)) for suite in suites.values()],
        limits=limits_of(folder, config, provenance, suites, sources, logs),
        licence=licence,
    )


def _config(folder: Path) -> dict[str, Any]:
    """Returns the resolved config of a finished run."""
    if not (folder / CONFIG).is_file():
        found = "a folder without config.yaml" if folder.is_dir() else "no folder"
        raise CheckpointError(must_be(f"the run {folder}", "a run folder of unite.train", found, "A card is made of what a run recorded."))
    if not (folder / FINISHED).is_file():
        hint = "Its record is not whole. Finish it with resume=true first."
        raise CheckpointError(must_be(f"the run {folder}", "finished", "not finished", hint))
    config = read_config(folder)
    if "adaptation" not in config:
        hint = "An evaluation's folder tells its training run as checkpoint=."
        raise CheckpointError(must_be(f"the run {folder}", "a run folder of unite.train", "another command's", hint))
    return config


def _front_matter(
    name: str, licence: str, config: dict[str, Any], sources: dict[str, list[SourceFacts]], suites: dict[str, SuiteResult]
) -> str:
    """Returns the metadata that the Hub reads, as YAML."""
    every = [source for of_stage in sources.values() for source in of_stage]
    languages = sorted({language for source in every for language in source.languages})
    hub_data = sorted({found[1] for source in every if (found := _HUB_DATA.match(source.address))})
    data = ModelCardData(
        language=languages or None,
        license=licence or "unknown",
        library_name="sentence-transformers",
        pipeline_tag="feature-extraction",
        tags=_tags(config, every),
        base_model=base_model(config),
        datasets=hub_data or None,
        model_name=name.rpartition("/")[2],
        eval_results=_eval_results(suites) or None,
    )
    return str(data.to_yaml()).rstrip("\n")


def _tags(config: dict[str, Any], sources: Sequence[SourceFacts]) -> list[str]:
    media = sorted({part for source in sources for side in source.pair.split("->") for part in side.split("+")} - {"text"})
    objective = str((config.get("objective") or {}).get("_target_", "")).rpartition(".")[2].lower()
    return [
        *("sentence-transformers", "transformers", "feature-extraction", "sentence-similarity", "multimodal-embedding", "unite"),
        *media,
        *filter(None, [objective]),
    ]


def _eval_results(suites: dict[str, SuiteResult]) -> list[EvalResult]:
    return [
        EvalResult(
            task_type="retrieval",
            dataset_type=suite.name,
            dataset_name=f"{suite.name}/{task}",
            dataset_config=task,  # results of one suite and one configuration are taken as of one data set
            metric_type=metric.replace("@", "_at_"),
            metric_value=round(value, 4),
            metric_name=metric,
        )
        for suite in suites.values()
        for task, result in suite.tasks.items()
        for metric, value in result.metrics.items()
        if math.isfinite(value)
    ]


def percent(value: float) -> str:
    """`0.5303` as `53.0`; `-` of what is no number."""
    return f"{100 * value:.1f}" if math.isfinite(value) else "-"


def plain(value: str) -> Markup:
    """Returns text of one line in which Markdown finds nothing: no link, no emphasis, no tag."""
    return Markup(_LINE_BREAKS.sub(" ", _MARKS.sub(r"\\\g<0>", value)))


def chance(value: float) -> str:
    """`0.000488` as `0.049`: in percent, however small."""
    return f"{100 * value:.2g}"


def python(value: str) -> Markup:
    """Returns a string as Python writes it, for a block of code."""
    return Markup(json.dumps(value, ensure_ascii=False))
