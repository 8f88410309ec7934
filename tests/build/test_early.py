"""What the config alone tells to be wrong is told at once, each with the option to set."""

import os
import sys

import pytest

from tests.commands import run
from tests.composed import composed
from unite.build.early import check_curate, check_evaluate, check_train, folder_faults
from unite.build.early_training import STRATEGIES
from unite.errors import CheckpointError, CollectedError, ConfigError, DataError
from unite.training.parallel import PoolStrategy
from unite.training.sharded_strategy import ShardedStrategy

ALIGNED = ["alignment=image_text", "alignment.max_steps=2"]
SHARDED = ["trainer.strategy=sharded", "alignment.max_steps=0"]
OF_ONES_OWN = ["mixture=tt", "mixture.sources.t2t.world=null", "mixture.sources.t2t.shards=no/such"]

#: Each is one thing that is wrong.
FAULTS = [
    (["+trainer.max_stepz=3"], ConfigError, "^an option of trainer must be one of .* but is 'max_stepz'. Did you mean 'max_steps'"),
    (["+data.decodng.fps=3"], ConfigError, "^an option of data must be one of .* but is 'decodng'"),
    (["+outt=q"], ConfigError, "^an option must be one of .* but is 'outt'"),
    (["seed=-1"], ConfigError, "seed must be from 0 to 4294967295, but is -1"),
    (["alignment=none"], ConfigError, "alignment.mixture must be given for a stage that has steps, but is None. Choose alignment="),
    (["trainer.max_steps=0", "alignment.max_steps=0"], ConfigError, "the number of stages must be at least 1, but is 0"),
    (["alignment.max_steps=-1"], ConfigError, r"alignment.max_steps must be at least 0 \(which leaves the stage out\), but is -1"),
    (["alignment.mixture.run_length=12"], ConfigError, r"batch_size must be a multiple of alignment.mixture.run_length \(12\), but is 32"),
    (["mixture.run_length=2"], ConfigError, r"mixture.run_length must be a multiple of the neighbours of source t2t \(4\), but is 2"),
    (["alignment.mixture.run_length=0"], ConfigError, "alignment.mixture.run_length must be at least 1, but is 0"),
    (["mixture.shares.t2t=0"], ConfigError, "^mixture.shares.t2t must be above 0, but is 0.0. To leave a source out"),
    (["+mixture.shares.t2v=1"], ConfigError, "^a name in mixture.shares must be one of t2t, but is 't2v'"),
    (["mixture.shares=null"], ConfigError, r"^mixture.shares must be a share for every source \(t2t\), but is \[\]"),
    (["mixture.shares=null", "mixture.temperature=0"], ConfigError, "^mixture.temperature must be above 0"),
    (["mixture.sources.t2t.query=smell"], ConfigError, "mixture.sources.t2t.query: modality must be one of image, text, video"),
    (
        ["data.token_budget=255"],
        ConfigError,
        r"data.token_budget must be at least encoder.max_length \(256\), but is 255. .*to 256, or lower encoder.max_length to 255",
    ),
    (["data.num_workers=-1"], ConfigError, "data.num_workers must be at least 0, but is -1"),
    (["data.max_skipped_share=2"], ConfigError, "data.max_skipped_share must be from 0 to 1, but is 2.0"),
    (["trainer.checkpoint_every_n_steps=0"], ConfigError, "trainer.checkpoint_every_n_steps must be at least 1, but is 0"),
    (["trainer.checkpoint_every_n_minutes=-1"], ConfigError, "checkpoint_every_n_minutes must be at least 0, but is -1.0. 0 goes by"),
    (["trainer.checkpoint_every_n_minutes=inf"], ConfigError, "trainer.checkpoint_every_n_minutes must be at least 0, but is inf"),
    (["trainer.keep_last=0"], ConfigError, "trainer.keep_last must be at least 1, but is 0"),
    (["trainer.graph_tokens=0"], ConfigError, "trainer.graph_tokens must be at least 1, or auto, but is 0"),
    (["trainer.feature_tokens=-1"], ConfigError, "trainer.feature_tokens must be at least 0, but is -1. 0 keeps none"),
    (["feature_cache.max_gb=0"], ConfigError, "feature_cache.max_gb must be above 0, but is 0.0. feature_cache.folder=null keeps none"),
    (["feature_cache.folder=s3://bucket/x"], ConfigError, "feature_cache.folder must be a folder of this machine, but is 's3://bucket/x'."),
    (["feature_cache.folder="], ConfigError, "feature_cache.folder must be a folder of this machine, but is ''"),
    (["feature_cache.folder=/dev/null/x"], ConfigError, "feature_cache.folder must be a folder, but is '/dev/null/x'"),
    (
        [*SHARDED, "optimizer=adamw", "feature_cache.folder=kept"],
        ConfigError,
        "feature_cache.folder must be null with trainer.strategy=sharded, but is 'kept'. A rank that finds more on disk",
    ),
    (
        ["trainer.negligible_gradient=1"],
        ConfigError,
        "trainer.negligible_gradient must be at least 0, which leaves nothing out, and below 1",
    ),
    (
        [*SHARDED, "optimizer=adamw", "trainer.negligible_gradient=0.01"],
        ConfigError,
        "trainer.negligible_gradient must be 0 with trainer.strategy=sharded, but is 0.01. All ranks must pass equally many",
    ),
    (
        ["trainer.negligible_gradient=0.01", "+adapter@encoder.adapter=lora"],
        ConfigError,
        r"negligible_gradient must be 0 with encoder.adapter.dropout=0.\d+, but is 0.01. .* Set encoder.adapter.dropout=0",
    ),
    (["trainer.log_every_n_steps=0"], ConfigError, "trainer.log_every_n_steps must be at least 1, but is 0"),
    (["trainer.health_every_n_steps=-1"], ConfigError, "trainer.health_every_n_steps must be at least 1, or 0 for never, but is -1"),
    (["trainer.max_skipped_steps=-1"], ConfigError, "trainer.max_skipped_steps must be at least 0, but is -1"),
    (["trainer.strategy=ddp"], ConfigError, "trainer.strategy must be one of auto, sharded, unite, but is 'ddp'"),
    (
        [*SHARDED, "optimizer=muon"],
        ConfigError,
        "adaptation.optimizer must be AdamW with trainer.strategy=sharded, but is 'MuonCosine'. Muon makes whole",
    ),
    (
        [*SHARDED, "optimizer=adafactor"],
        ConfigError,
        "must be AdamW .* but is 'AdafactorCosine'. Adafactor looks at .* Take optimizer=adamw",
    ),
    ([*SHARDED, "optimizer=adamw_8bit"], ConfigError, "must be AdamW .* but is 'AdamW8bitCosine'. bitsandbytes knows no sharded"),
    (
        [*SHARDED, "optimizer=adamw", "optimizer.ema_decay=0.9"],
        ConfigError,
        "ema_decay must be null with trainer.strategy=sharded, but is 0.9",
    ),
    (
        [*SHARDED, "optimizer=adamw", "+adapter@encoder.adapter=lora", "encoder.quantization=nf4"],
        ConfigError,
        "encoder.quantization must be null with trainer.strategy=sharded, but is 'nf4'. Weights in 4 bits are not sharded",
    ),
    (["trainer.precision=16-mixed"], ConfigError, "trainer.precision must be one of 32-true, bf16-mixed, but is '16-mixed'"),
    (["validation=held_out", "validation.held_out.share=2"], ConfigError, "validation.held_out.share must be above 0 and below 1"),
    (["validation.every_n_steps=10"], ConfigError, "validation.held_out or validation.suite must be given"),
    (["export=best"], ConfigError, "export must be last where nothing is validated, but is 'best'"),
    (["init_from=no/such"], CheckpointError, "init_from must be a run folder"),
    (["encoder.path=no/such"], ConfigError, "encoder.path must be empty where encoder.checkpoint builds .* Choose the encoder that it is"),
    (["world.num_train=6"], ConfigError, "world.num_train must be a multiple of 4"),
    (OF_ONES_OWN, DataError, "^mixture.sources.t2t.shards must be a folder or glob with .tar shards, but is 'no/such'"),
    (["sweep.num_parallel=0"], ConfigError, "sweep.num_parallel must be at least 1, but is 0"),
]


@pytest.mark.parametrize(("overrides", "kind", "message"), FAULTS)
def test_one_fault_is_told_as_it_is(tmp_path, overrides, kind, message):
    config = composed("train", *ALIGNED, "mixture=tt", *overrides, f"data_root={tmp_path}", f"runs_root={tmp_path}")
    with pytest.raises(kind, match=message):
        check_train(config)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["alignment.max_steps=0", "alignment.mixture.run_length=0"],  # of a stage that is left out, nothing is asked
        ["validation=held_out", "export=best"],
        ["experiment=stage2_mamcl"],
    ],
)
def test_what_is_right_is_let_through(tmp_path, overrides):
    experiment = [f"+{override}" if override.startswith("experiment") else override for override in overrides]
    check_train(composed("train", *ALIGNED, *experiment, f"data_root={tmp_path}", f"runs_root={tmp_path}"))


def test_of_every_stage_all_sources_that_are_missing_are_named(tmp_path):
    with pytest.raises(CollectedError) as told:
        check_train(composed("train", "+experiment=paper_stage1", f"data_root={tmp_path}", f"runs_root={tmp_path}"))
    names = composed("train", "+experiment=paper_stage1").mixture.sources
    assert len(names) > 1 and all(f"mixture.sources.{name}.shards must be a folder" in str(told.value) for name in names)


def test_an_exported_encoder_says_itself_how_long_a_content_may_be(tmp_path):
    (tmp_path / "config.json").touch()
    (tmp_path / "unite_encoder.json").write_text('{"max_length": 300}')
    config = composed("train", f"init_from={tmp_path}", "data.token_budget=280", f"runs_root={tmp_path}")
    with pytest.raises(
        ConfigError,
        match=r"data.token_budget must be at least max_length in .*unite_encoder.json \(300\), but is 280. .*token_budget to 300\.$",
    ):
        check_train(config)
    (tmp_path / "unite_encoder.json").write_text('{"max_length": "long"}')
    check_train(config)  # the file is refused where all of it is read


def test_a_resumed_run_needs_no_data_of_a_stage_that_is_done(tmp_path):
    gone = ["alignment.mixture.sources.t2i.world=null", "alignment.mixture.sources.t2i.shards=no/such"]
    config = composed("train", *ALIGNED, *gone, "resume=true", f"run_folder={tmp_path}", f"runs_root={tmp_path}")
    with pytest.raises(DataError, match="alignment.mixture.sources.t2i.shards"):
        check_train(config)
    done = tmp_path / "checkpoints" / "alignment" / "encoder"
    done.mkdir(parents=True)
    (done / "config.json").touch()
    check_train(config)


def test_data_may_lie_in_a_store_and_a_corpus_be_written_to_one_and_no_other_place():
    far = "s3://bucket/x"
    assert not list(folder_faults(composed("train", f"data_root={far}", "runs_root=.")))
    assert not list(folder_faults(composed("embed", "corpus=a", "checkpoint=b", f"out={far}")))
    faults = list(folder_faults(composed("stamps", f"cache={far}", "data_root=")))
    assert [str(fault).partition(" must")[0] for fault in faults] == ["data_root", "cache"]


def test_places_that_cannot_be_written_are_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="data_root must be a folder, but is '.*file/data'. .*file is a file."):
        check_train(composed("train", f"data_root={tmp_path}/file/data", f"runs_root={tmp_path}"))
    monkeypatch.setattr(os, "access", lambda *given: False)
    with pytest.raises(ConfigError, match="out must be a folder that can be written, but is '.*set'. .* allows it not"):
        check_curate(composed("curate", "+recipe@recipes.nli=text_pairs", "recipes.nli.annotations=x", f"out={tmp_path}/set"))
    check_train(composed("train", f"data_root={tmp_path}", f"runs_root={tmp_path}", f"run_folder={tmp_path}"))


def test_evaluation_tells_all_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CollectedError) as told:
        check_evaluate(composed("evaluate", "checkpoint=no/such", "encoder.base=nor/this", f"cache={tmp_path}/file", "world.num_queries=0"))
    assert [str(error).partition(" must")[0] for error in told.value.errors] == ["world.num_queries", "checkpoint", "encoder.base", "cache"]


def test_curation_tells_all_at_once(tmp_path):
    own = ["+recipe@recipes.good=text_pairs", "recipes.good.annotations=x", "+recipes.good.name=.hidden"]
    numbers = ["rows_per_part=0", "samples_per_shard=0", "max_unusable_share=2"]
    (tmp_path / "file").touch()
    with pytest.raises(CollectedError) as told:
        check_curate(composed("curate", *own, *numbers, f"out={tmp_path}/file"))
    expected = ["rows_per_part", "samples_per_shard", "max_unusable_share", "the name of a recipe", "out"]
    assert [str(error).partition(" must")[0] for error in told.value.errors] == expected


def test_the_strategy_beside_lightnings_is_ours():
    assert ("auto", PoolStrategy.strategy_name, ShardedStrategy.strategy_name) == STRATEGIES


def test_five_faults_are_told_at_once_before_anything_is_built_or_imported(tmp_path):
    """Of the command as a user gives it: no world, nothing in runs, and no torch."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = sys.modules['transformers'] = None\n")
    five = ["alignment.mixture.run_length=12", "data.token_budget=100", "export=best", "trainer.strategy=ddp", *OF_ONES_OWN]
    told = _run_without_torch(tmp_path, five)
    for message in (
        "CollectedError: 5 things are to be mended:",
        "data.batch_size must be a multiple of alignment.mixture.run_length (12)",
        "data.token_budget must be at least encoder.max_length (256)",
        "export must be last where nothing is validated",
        "trainer.strategy must be one of auto, sharded, unite",
        "mixture.sources.t2t.shards must be a folder or glob with .tar shards",
    ):
        assert message in told
    assert "Traceback" not in told and not (tmp_path / "data").exists() and not list((tmp_path / "runs").rglob("*.yaml"))


def _run_without_torch(folder, overrides):
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *sys.path[:1], *([before] if before else [])])
    try:
        return run("train", folder / "data", folder / "runs", *ALIGNED, *overrides, code=1)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
