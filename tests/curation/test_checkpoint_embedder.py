import numpy as np
import pytest
import torch

from tests.curation.material import Rows, encoded, photograph, row
from tests.encoder.families import tiny
from unite.curation.checkpoint_embedder import CheckpointEmbedder
from unite.curation.describe import describe
from unite.curation.pipeline import Curation
from unite.curation.steps.similarity import Similarity
from unite.data.decode import Decoding, decode_content
from unite.data.rows import StoredContent, StoredMedium
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
    ]
    encoder = VLMEncoder(folder, dtype="float32").eval()
    expected = []
    for content in contents:
        batch = encoder.processor.pad([encoder.processor.encode(decode_content(content, Decoding()))], [0])
        with torch.no_grad():
            expected.append(encoder(batch)[0].float().numpy())
    embed = CheckpointEmbedder(folder, device="cpu", token_budget=400, dtype="float32")
    np.testing.assert_allclose(embed(contents), np.stack(expected), atol=1e-5)


def test_the_plan_of_a_curation_tells_which_checkpoint(folder, tmp_path):
    embed = CheckpointEmbedder(folder, device="cpu", dtype="float32")
    assert describe(embed)["path"] == folder and describe(embed)["settings"] == {"dtype": "float32"}
    rows = [row(f"text {at}", f"answer {at}") for at in range(10)]
    sheet = Curation([Rows(rows)], [Similarity(embed, share=0.2)], out=tmp_path / "set", workers=1, progress=False).run()
    assert sheet["totals"]["rows"] == 8 and sheet["plan"]["steps"][0]["embed"]["path"] == folder


@pytest.mark.parametrize("path", ["/nowhere/checkpoint", "../gone", "nobody/such-a-model"])
def test_a_checkpoint_that_does_not_exist_is_told_before_any_row_is_read(path, monkeypatch, tmp_path):
    monkeypatch.setattr("unite.curation.checkpoint_embedder.is_offline_mode", lambda: True)
    with pytest.raises(
        CheckpointError, match="the checkpoint of a step's embed must be there, but is '.*'. Name a folder with a checkpoint"
    ):
        CheckpointEmbedder(path)
    monkeypatch.setattr("unite.curation.checkpoint_embedder.is_offline_mode", lambda: False)
    if path == "nobody/such-a-model":
        CheckpointEmbedder(path)  # the hub may have it
