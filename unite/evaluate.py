"""Evaluates a checkpoint: `python -m unite.evaluate checkpoint=runs/stage2_mamcl/<run>`."""

from __future__ import annotations

import hydra

from unite.config.register import CONF, register
from unite.config.schema import EvaluateConfig
from unite.entry import shown_errors

register()


@hydra.main(config_path=str(CONF), config_name="evaluate", version_base="1.3")
@shown_errors
def main(config: EvaluateConfig) -> float | None:
    """Evaluates a run folder, an exported encoder or a hub checkpoint; returns the mean R@1."""
    from unite import build
    from unite.entry import console
    from unite.evaluation.evaluate import evaluate

    encoder = build.build_trained_encoder(config)
    results = evaluate(encoder, build.build_suites(config), build.build_run(config).path, console())
    console().print(f"metrics.json and recall.png are in {config.run_folder}.")
    return results[0].means().get("recall@1")


if __name__ == "__main__":
    main()
