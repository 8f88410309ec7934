import torch

from unite.batch import MicroBatch, index_tensor
from unite.types import Modality


def test_media_of_a_micro_batch_go_by_fingerprint_and_modality():
    ids = torch.zeros(1, 2, dtype=torch.int64)
    media = {"fingerprints": index_tensor([7, 7]), "modalities": index_tensor([2, 4]), "pixels": torch.ones(3)}
    batch = MicroBatch(index_tensor([0]), ids, ids, ids + 1, media).to("cpu")
    assert batch.media_names == [(7, Modality.IMAGE.value), (7, Modality.VIDEO.value)] and torch.equal(batch.media["pixels"], torch.ones(3))
    assert MicroBatch(index_tensor([0]), ids, ids, ids + 1).media_names == []
