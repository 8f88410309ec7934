"""An audit as a user runs it on the built-in people, and one of shards of pairs with labels."""

import io
import json

import pytest
from PIL import Image

from tests.commands import only, run
from tests.composed import composed
from tests.encoder.checkpoints import tiny
from tests.fake_encoder import FakeEncoder, image
from unite.build.audit import build_audited, build_options
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardWriter
from unite.errors import ConfigError, DataError
from unite.evaluation.audit.audit import audit
from unite.types import Modality


def test_the_built_in_case_runs_from_the_command_to_the_page(tmp_path):
    options = ["suite.world.num_places=1", "~suite.tasks.variants", "audit.num_resamples=200", "audit.ks=[1,10]"]
    output = run("audit", tmp_path / "data", tmp_path / "runs", f"checkpoint={tiny(tmp_path)}", *options)
    folder = only(tmp_path / "runs" / "audit")
    found = json.loads((folder / "audit.json").read_text())
    assert [task["name"] for task in found["tasks"]] == ["all_variants"] and found["ks"] == [1, 10]
    assert [one["name"] for one in found["tasks"][0]["associations"]] == ["work_by_gender", "work_by_tone"]
    assert "all_variants, skin tone: R@1 from" in output and f"The page is {folder / 'audit.html'}" in output.replace("\n", "")
    assert (folder / "audit.html").is_file()


def write(folder, *labels):
    """Rows whose positives have labels, the first and the last the same picture."""
    with ShardWriter(folder) as writer:
        for at, given in enumerate(labels):
            file = io.BytesIO()
            Image.fromarray(image(20 * (at % (len(labels) - 1))).frames[0]).save(file, "PNG")
            positive = StoredContent(media=(StoredMedium(Modality.IMAGE, file.getvalue(), "png"),), labels=given)
            writer.write(Row(f"{at:03d}", StoredContent(f"house {at}"), (positive,)))


def of_pairs(folder, *overrides):
    return composed("audit", "checkpoint=some/run", "suite=pairs", f"suite.shards={folder}", "audit.num_resamples=200", *overrides)


def test_labels_of_ones_own_pairs_are_audited(tmp_path):
    write(tmp_path / "shards", *({"region": ("north", "south")[at % 2]} for at in range(10)), {})
    config = of_pairs(tmp_path / "shards", "association=none")
    (task,) = audit(FakeEncoder(), build_audited(config), build_options(config), "run", tmp_path / "out").tasks
    assert {group.group: group.num for group in task.attributes[0].parity[0].groups} == {"north": 6, "south": 5}
    assert (task.num_candidates, task.num_labelled) == (10, 10)


def test_one_picture_with_two_labels_is_refused(tmp_path):
    write(tmp_path / "shards", *({"region": ("north", "south")[at % 2]} for at in range(10)))
    with pytest.raises(
        DataError, match=r"the region of shard-000000.tar/009 in task shards must be north, as of shard-.*/000, but is 'south'"
    ):
        build_audited(of_pairs(tmp_path / "shards"))


@pytest.mark.parametrize(("suite", "given"), [("mteb", "mteb's, whose candidates have none"), (None, "null")])
def test_a_suite_without_candidates_of_its_own_is_refused(suite, given):
    config = composed("audit", "checkpoint=some/run", *([f"suite={suite}"] if suite else []))
    if suite is None:
        config.suite = None
    with pytest.raises(ConfigError, match=f"suite must be one with labels: people, pairs, .* but is .{given}"):
        build_audited(config)
