"""Some contents of a micro-batch give what they gave among the others."""

import pytest
import torch
from transformers import AutoTokenizer

from tests.encoder.checkpoints import save_fast_vlm, tiny
from tests.encoder.material import CONTENTS, batch_of, make


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    qwen = tiny(tmp_path_factory.mktemp("tiny"))
    return {"qwen": qwen, "fast_vlm": save_fast_vlm(tmp_path_factory.mktemp("fast"), AutoTokenizer.from_pretrained(qwen), "llama")}


@pytest.mark.parametrize("rows", [[0], [1], [0, 2], [1, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("family", ["qwen", "fast_vlm"])
def test_rows_are_embedded_as_among_the_others(folders, family, rows):
    encoder = make(folders[family]).eval()
    whole = batch_of(encoder)
    some = encoder.rows(whole, torch.tensor(rows))
    again = batch_of(encoder, [CONTENTS[row] for row in rows])
    assert some.contents.tolist() == rows
    assert torch.equal(some.input_ids, again.input_ids)
    assert some.media_names == again.media_names
    assert {name: tensor.tolist() for name, tensor in some.media.items()} == {name: tensor.tolist() for name, tensor in again.media.items()}
    with torch.no_grad():
        torch.testing.assert_close(encoder(some), encoder(whole)[rows], rtol=1e-5, atol=1e-5)
