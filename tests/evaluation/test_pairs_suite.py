"""A curated folder of pairs as a yardstick: curated, found and evaluated by the options that a user would give."""

import io
import json

import pytest
from rich.console import Console

from tests.composed import composed
from tests.fake_encoder import FakeEncoder
from unite.build.curate import build_curation
from unite.build.suites import build_evaluation
from unite.config.schema import PairsSuiteConfig
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter
from unite.errors import ConfigError, DataError
from unite.evaluation.pairs_suite import PairsSuite


def evaluated(folder, *overrides):
    config = composed("evaluate", "checkpoint=some/run", "suite=pairs", *overrides)
    evaluation = build_evaluation(config)(FakeEncoder(), folder=folder, console=Console(file=io.StringIO(), width=120))
    return evaluation, json.loads((folder / "metrics.json").read_text())


def write(folder, num=4):
    with ShardWriter(folder) as writer:
        for at in range(num):
            writer.write(Row(f"{at:03d}", StoredContent(f"query {at} of {folder.name}"), (StoredContent(f"answer {at} of {folder.name}"),)))


def test_a_curated_folder_is_evaluated_by_one_option(tmp_path):
    rows = [{"query": f"word {at * 7919 % 1000}", "answer": f"word {at * 7919 % 1000}."} for at in range(12)]
    (tmp_path / "raw.jsonl").write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "set"
    recipe = ["+recipe@recipes.nli=text_pairs", f"recipes.nli.annotations={tmp_path / 'raw.jsonl'}"]
    config = composed("curate", f"out={out}", *recipe)
    build_curation(config).run()

    evaluation, metrics = evaluated(tmp_path / "run", f"suite.shards={out}")
    assert 0.5 < metrics["pairs/nli_text-to-text/hit@1"] <= 1  # the fake encoder finds most of them
    assert metrics["score"] == evaluation.score == metrics["pairs/nli_text-to-text/hit@1"]
    assert metrics["score_is"]["mean_of"] == ["pairs/nli_text-to-text/hit@1"]
    assert (tmp_path / "run" / "pairs_failures.json").is_file()

    _, metrics = evaluated(tmp_path / "back", f"suite.shards={out}", "suite.back=true", "suite.name=mine", "suite.max_queries=4")
    assert {key.split("/")[1] for key in metrics if "/" in key} == {"nli_text-to-text", "nli_text-to-text_back", "mean"}
    stored = json.loads((tmp_path / "back" / "mine.json").read_text())["tasks"]["nli_text-to-text_back"]
    assert (len(stored["judged"]), stored["num_candidates"]) == (4, 12)


def test_what_is_wrong_with_the_shards_is_told(tmp_path):
    with pytest.raises(DataError, match=r"suite.shards must be a folder with .tar shards, .* but is '.*nowhere'\. Curate or copy"):
        PairsSuite(PairsSuiteConfig(shards=str(tmp_path / "nowhere")))
    write(tmp_path / "one", num=1)
    with pytest.raises(DataError, match=r"the candidates of task one must be at least two different ones, but is 1"):
        PairsSuite(PairsSuiteConfig(shards=str(tmp_path / "one")))
    with pytest.raises(ConfigError, match=r"suite.max_queries must be at least 1, or null for all, but is 0"):
        PairsSuiteConfig(shards="x", max_queries=0)
    with pytest.raises(ConfigError, match=r"suite.metrics must be at least one"):
        PairsSuiteConfig(shards="x", metrics=[])
