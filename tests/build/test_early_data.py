"""What the shards' indices tell is told with what the config tells, of all stages at once, and without torch."""

import pytest

from tests.composed import composed
from tests.data.material import write
from unite.build.early import check_embed, check_evaluate, check_train
from unite.errors import CollectedError, ConfigError, DataError


def own(stage, source, shards):
    return [f"{stage}.sources.{source}.world=null", f"{stage}.sources.{source}.shards={shards}"]


@pytest.fixture
def broken(tmp_path):
    """Two folders of a shard each, one cut, one no tar."""
    for name in ("cut", "text"):
        (shard,) = write(tmp_path / name, count=3, per_shard=3)
        shard.with_name(f"{shard.name}.index.json").unlink()
        shard.write_bytes(shard.read_bytes()[:2000] if name == "cut" else b"no tar at all" * 100)
    return tmp_path


def test_broken_shards_of_two_stages_and_the_suites_are_told_with_what_the_config_tells(broken):
    (broken / "out").mkdir()
    options = ["alignment=image_text", "alignment.max_steps=2", *own("alignment.mixture", "t2i", broken / "cut"), "mixture=tt"]
    options += [*own("mixture", "t2t", broken / "text"), "suite=pairs", f"suite.shards={broken / 'none'}", "trainer.strategy=ddp"]
    options += [
        "validation=suite",
        "+suite@validation.suite=pairs",
        f"validation.suite.shards={broken / 'cut'}",
        f"runs_root={broken / 'out'}",
    ]
    with pytest.raises(CollectedError) as told:
        check_train(composed("train", *options))
    assert [str(error).partition(". ")[0] for error in told.value.errors] == [
        f"shard {broken}/cut/shard-000000.tar is truncated: the two empty blocks that end a tar are missing",
        f"shard {broken}/text/shard-000000.tar is not a whole tar file (invalid header)",
        "suite.shards must be a folder with .tar shards, in itself or in folders of source and pair as unite.curate writes them, "
        f"or a glob, but is '{broken}/none'",
        "trainer.strategy must be one of auto, sharded, unite, but is 'ddp'",
    ]
    assert not list((broken / "out").iterdir())


def test_a_source_of_less_rows_than_stay_together_is_told(tmp_path):
    write(tmp_path / "few", count=3)
    with pytest.raises(ConfigError, match=r"the number of rows of source t2t must be at least its neighbours \(4\), but is 3"):
        check_train(composed("train", "alignment=none", "mixture=tt", *own("mixture", "t2t", tmp_path / "few"), f"runs_root={tmp_path}"))


def test_an_evaluation_opens_its_pairs_before_torch(broken):
    (broken / "config.json").touch()
    with pytest.raises(DataError, match="cut/shard-000000.tar is truncated"):
        check_evaluate(composed("evaluate", f"checkpoint={broken}", "suite=pairs", f"suite.shards={broken}/cut", f"cache={broken}/cache"))


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("[{0}/none.csv]", "^corpus must be a folder of pictures .* but is '.*none.csv, which is not there'"),
        ("{{a: {0}/a.csv}}", "^the columns of a.csv must be such that one is a text, an image or a video, but is 'x, y'"),
        ("{0}/a.csv columns.text=z", "^columns.text must be one of x, y, but is 'z'"),
        ("3", "^corpus must be an address, a list of addresses, or addresses by name, but is 3"),
    ],
)
def test_the_sources_of_a_corpus_are_looked_at_before_torch(tmp_path, corpus, message):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "config.json").touch()
    given, *more = f"corpus={corpus.format(tmp_path)}".split(" columns")
    with pytest.raises(ConfigError, match=message):
        check_embed(composed("embed", given, *(f"columns{one}" for one in more), f"checkpoint={tmp_path}", f"out={tmp_path}/out"))


def test_a_store_a_folder_and_a_json_list_are_not_opened_early(tmp_path):
    (tmp_path / "a.json").write_text('[{"x": 1}]')
    (tmp_path / "config.json").touch()
    check_embed(composed("embed", f"corpus=[s3://none/x,{tmp_path},{tmp_path}/a.json]", f"checkpoint={tmp_path}", f"out={tmp_path}/out"))
