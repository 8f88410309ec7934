"""The steps over embeddings: what they decide, that it is decided once, and with an encoder's checkpoint. Of `describe.py` too."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.curation.material import Rows, row
from tests.encoder.checkpoints import tiny
from tests.media.material import image_medium, photograph
from unite.config.schema.media import Decoding
from unite.curation.describe import describe
from unite.curation.pipeline import Curation
from unite.curation.steps.false_negatives import FalseNegatives
from unite.curation.steps.hard_negatives import HardNegatives
from unite.curation.steps.similarity import Similarity
from unite.data.shards import ShardReader
from unite.embedding import Embedder
from unite.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny(tmp_path_factory.mktemp("tiny")))


class ByFirstLetter:
    """Embeds a text by its first letter and length; counts its calls."""

    def __init__(self):
        self._calls = 0  # no setting, so no part of the plan

    @property
    def num_calls(self):
        return self._calls

    def __call__(self, contents):
        self._calls += 1
        angles = [ord(content.text[0]) + len(content.text) / 50 for content in contents]
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def embedding_steps(embed):
    return [
        Similarity(embed, share=0.1),
        FalseNegatives(embed, min_cosine=0.999),
        HardNegatives(embed, num_negatives=2, max_share_of_positive=1.0, max_positive_cosine=1.0),
    ]


def test_steps_over_embeddings_write_groups_and_negatives_and_embed_once(tmp_path):
    rows = [row(f"{letter} question", f"{letter}{'.' * (at % 3)}") for at, letter in enumerate("abcdefghijaaklmnopqr")]
    embed = ByFirstLetter()
    curation = Curation([Rows(rows)], embedding_steps(embed), out=tmp_path / "set", rows_per_part=6, workers=1, progress=False)
    sheet = curation.run()
    assert embed.num_calls == 4  # parts, once for three steps
    assert sheet["funnel"][2]["dropped"] == {"least aligned": 2}
    written = list(ShardReader.of_folder(tmp_path / "set" / "rows" / "text-to-text"))
    assert sheet["totals"]["rows"] == len(written) == 18 and sheet["totals"]["negatives"] > 0
    texts = {found.positives[0].text for found in written}
    for found in written:
        assert all(negative.text in texts and negative.text != found.positives[0].text for negative in found.negatives)
    groups = [found.positives[0].group for found in written if found.positives[0].group]
    assert groups and all(groups.count(group) > 1 for group in groups)


def test_a_row_that_cannot_be_embedded_is_named(tmp_path, folder):
    rows = [row("a question", "an answer"), row("b question", positive_media=[image_medium(photograph())])]
    curation = Curation(
        [Rows(rows)], [Similarity(Embedder(folder, max_length=100), share=0.1)], out=tmp_path / "set", workers=1, progress=False
    )
    with pytest.raises(
        DataError, match="^the positive of row rows/000000001 cannot be embedded: a content must be at most encoder.max_length"
    ):
        curation.run()


def test_a_decision_once_made_is_kept(tmp_path, monkeypatch):
    """Embeddings on another device may differ in the last bit: shards written after a restart must follow the first decision."""
    rows = [row(f"{letter} question", letter) for letter in "abcdefghij"]
    options = {"out": tmp_path / "set", "workers": 1, "progress": False, "samples_per_shard": 3}
    rename = Path.replace

    def interrupt(path, target):
        if Path(target).suffix == ".tar" and ".work" not in Path(target).parts:  # the first shard of the set
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            Curation([Rows(rows)], embedding_steps(ByFirstLetter()), **options).run()
    shutil.rmtree(tmp_path / "set" / ".work" / "embeddings")  # nothing but the decision itself is left to go by
    again = ByFirstLetter()
    Curation([Rows(rows)], embedding_steps(again), **options).run()
    assert again.num_calls == 0 and list((tmp_path / "set").rglob("*.tar"))


def test_the_plan_of_a_curation_tells_which_checkpoint(folder, tmp_path):
    embed = Embedder(folder, device="cpu", dtype="float32", decoding=Decoding(max_frames=8))
    before = describe(embed)
    assert before["checkpoint"] == folder and before["settings"] == {"dtype": "float32"} and before["decoding"]["max_frames"] == 8
    rows = [row(f"text {at}", f"answer {at}") for at in range(10)]
    sheet = Curation([Rows(rows)], [Similarity(embed, share=0.2)], out=tmp_path / "set", workers=1, progress=False).run()
    assert sheet["totals"]["rows"] == 8 and sheet["plan"]["steps"][0]["embed"] == before == describe(embed)


def test_nothing_of_curation_imports_transformers_before_a_checkpoint_is_loaded(folder):
    code = (
        "import sys, unite.curation.pipeline, unite.curation.steps.similarity, unite.embedding as floor\n"
        f"floor.Embedder({folder!r})\n"
        "sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
