import ast
import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from tests.commands import ROOT
from tests.composed import composed
from unite.build.component import build, check_untyped
from unite.errors import ConfigError


def test_what_a_component_says_about_its_config_is_shown_as_it_is():
    config = OmegaConf.create({"_target_": "unite.evaluation.mteb_suite.MtebSuite", "tasks": []})
    with pytest.raises(ConfigError, match="^suite.tasks must be at least one"):
        build(config, "suite")


def test_an_unknown_modality_has_no_weight():
    config = composed("train", "+objective.modality_weights.scent=2")
    with pytest.raises(Exception, match="modality must be one of .*image, text, video, but is 'scent'"):
        build(config.objective, "objective")


@pytest.mark.parametrize(
    ("command", "overrides", "message"),
    [
        (
            "curate",
            ["+step@steps.short=text_length", "+steps.short.min_wordz=1"],
            "an option of steps.short must be .* Did you mean 'min_words'",
        ),
        ("curate", ["+step@steps.short=text_length", "steps.short.min_words=many"], "steps.short.min_words must be a valid integer"),
        (
            "curate",
            ["+step@steps.like=similarity", "steps.like.embed.checkpoint=x", "+steps.like.sharee=1"],
            "an option of steps.like must be .*'share'",
        ),
        ("curate", ["+recipe@recipes.r=coco", "recipes.r.annotations=x", "+recipes.r.splitt=test"], "an option of recipes.r must be"),
        ("evaluate", ["suite=coco", "+suite.tasks.coco_t2i.splitt=test"], "an option of suite.tasks.coco_t2i must be .*'split'"),
        ("train", ["validation=suite", "suite=coco", "+suite.tasks.coco_t2i.splitt=test"], "an option of .*suite.tasks.coco_t2i must be"),
    ],
)
def test_what_no_schema_describes_is_checked_before_anything_is_made(command, overrides, message):
    config = composed(command, *overrides)
    with pytest.raises(ConfigError, match=message):
        check_untyped(config)


@pytest.mark.parametrize("command", [["train"], ["train", "+experiment=paper_stage2"], ["evaluate", "suite=mmeb"], ["curate"]])
def test_what_we_bring_passes(command):
    check_untyped(composed(*command))


def test_what_names_a_part_imports_no_torch():
    """Of every recipe, step and layout: a misspelt option of one is told at once."""
    names = [f"unite.curation.recipes.{path.stem}" for path in (ROOT / "unite/curation/recipes").glob("*.py")]
    names += [f"unite.curation.steps.{path.stem}" for path in (ROOT / "unite/curation/steps").glob("*.py")]
    names += [f"unite.evaluation.layouts.{path.stem}" for path in (ROOT / "unite/evaluation/layouts").glob("*.py")]
    names += ["unite.build.curate", "unite.embedding"]
    code = "import sys, importlib; [importlib.import_module(name) for name in sys.argv[1:]]; print([*sys.modules])"
    names = [name.removesuffix(".__init__") for name in names]
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not {"torch", "scipy", "transformers", "pytorch_lightning", "wandb"} & set(ast.literal_eval(done.stdout))
