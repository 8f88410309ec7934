"""The steps over embeddings with an encoder's checkpoint."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.curation.material import Rows, row
from tests.encoder.checkpoints import tiny
from tests.media.material import encoded, photograph
from unite.config.schema.media import Decoding
from unite.curation.describe import describe
from unite.curation.pipeline import Curation
from unite.curation.steps.similarity import Similarity
from unite.data.decode import decode_content
from unite.data.rows import StoredContent, StoredMedium
from unite.embedding import Embedder
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError
from unite.types import Modality


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny(tmp_path_factory.mktemp("tiny")))


def test_embeddings_are_the_encoders_in_the_order_of_the_contents(folder):
    image = StoredMedium(Modality.IMAGE, encoded(photograph(0, 64, 56)), "jpg")
    contents = [
        StoredContent("a cat"),
        StoredContent(media=(image,)),
        StoredContent("a much longer text about a cat and a dog"),
        StoredContent("a"),
        StoredContent("a cat"),
    ]
    encoder = VLMEncoder(folder, dtype="float32", gradient_checkpointing=False).eval()
    expected = []
    for content in contents:
        batch = encoder.processor.pad([encoder.processor.encode(decode_content(content, Decoding()))], [0])
        with torch.no_grad():
            expected.append(encoder(batch)[0].float().numpy())
    embed = Embedder(folder, device="cpu", token_budget=400, dtype="float32")
    found = embed(iter(contents))
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-6)
    assert (found[0] == found[4]).all()


def test_the_plan_of_a_curation_tells_which_checkpoint(folder, tmp_path):
    embed = Embedder(folder, device="cpu", dtype="float32", decoding=Decoding(max_frames=8))
    before = describe(embed)
    assert before["checkpoint"] == folder and before["settings"] == {"dtype": "float32"} and before["decoding"]["max_frames"] == 8
    rows = [row(f"text {at}", f"answer {at}") for at in range(10)]
    sheet = Curation([Rows(rows)], [Similarity(embed, share=0.2)], out=tmp_path / "set", workers=1, progress=False).run()
    assert sheet["totals"]["rows"] == 8 and sheet["plan"]["steps"][0]["embed"] == before == describe(embed)


def test_a_checkpoint_that_does_not_exist_is_told_before_any_row_is_read():
    with pytest.raises(CheckpointError, match=r"checkpoint must be a run folder .*but is '/nowhere/checkpoint, no folder'"):
        Embedder("/nowhere/checkpoint")


def test_nothing_of_curation_imports_transformers_before_a_checkpoint_is_loaded(folder):
    code = (
        "import sys, unite.curation.pipeline, unite.curation.steps.similarity, unite.embedding as floor\n"
        f"floor.Embedder({folder!r})\n"
        "sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
