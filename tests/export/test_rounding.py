import pytest
import torch

from tests.encoder.checkpoints import save_family
from tests.export.material import embedded, exported, trained
from unite.config.schema.export import ExportPrecision
from unite.encoder.vlm import VLMEncoder
from unite.export.proof import proof_contents
from unite.export.rounding import rounding_of


def test_it_is_that_of_weights_rounded_by_hand(tokenizer, tmp_path):
    folder = trained(save_family("qwen2_vl", tmp_path, tokenizer), tmp_path / "encoder")
    encoder = VLMEncoder(str(folder), gradient_checkpointing=False)
    contents = list(proof_contents(encoder.family.modalities))
    before = embedded(encoder, contents)
    for weight in encoder.parameters():
        weight.data = weight.data.half().float()
    after = embedded(encoder, contents)
    found = rounding_of(folder, exported(folder, tmp_path / "half", dtype=ExportPrecision.float16))
    assert found.num_contents == len(contents)
    assert found.largest == pytest.approx((before - after).abs().max().item(), rel=1e-2) and found.largest > 0
    assert found.cosine == pytest.approx(torch.cosine_similarity(before, after).min().item(), abs=1e-6)
    assert f"no number of an embedding by more than {found.largest:.1g}, cosine at least {found.cosine:.6f}" in found.told("float16")
    same = rounding_of(folder, exported(folder, tmp_path / "same"))
    assert same.largest == 0 and same.cosine == pytest.approx(1)
