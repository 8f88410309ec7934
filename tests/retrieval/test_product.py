import pytest
import torch

from tests.retrieval.material import apart, whole_numbers
from unite.precision import full_float32
from unite.retrieval.product import moved, on_device, products


@pytest.mark.parametrize("has_onednn", [True, False])
def test_the_blocks_are_those_of_one_product(has_onednn, monkeypatch):
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: has_onednn)
    queries, candidates = whole_numbers(5, 0, dim=16), whole_numbers(23, 1, dim=16).double()
    blocks = list(products(queries, candidates, 7))
    assert [start for start, _ in blocks] == [0, 7, 14, 21]
    assert torch.equal(torch.cat([scores for _, scores in blocks], dim=1), queries @ candidates.float().T)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1003), (3, 40), (70, 513)])
def test_a_pair_has_one_score_in_every_block(shape):
    queries, candidates = apart(1, 0).expand(shape[0], -1), apart(1, 1).expand(shape[1], -1)
    found = [torch.cat([scores for _, scores in products(queries, candidates, width)], dim=1) for width in (1, 16, 2000)]
    assert all(len(scores.unique()) == 1 for scores in found)
    torch.testing.assert_close(found[0][0, 0].double(), queries[0].double() @ candidates[0].double(), atol=1e-6, rtol=0)


def test_ranks_where_the_embeddings_are_or_on_a_gpu(monkeypatch):
    assert on_device(str, torch.ones(1), None) == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert on_device(str, torch.ones(1), None) == "cuda"
    assert on_device(str, torch.ones(1), "cpu") == on_device(str, torch.ones(1), torch.device("cpu")) == "cpu"
    assert on_device(str, torch.ones(1, device="meta"), None) == "meta"


def test_a_gpu_without_memory_leaves_it_to_the_cpu(caplog):
    def compute(device):
        if device.type == "cuda":
            raise torch.OutOfMemoryError
        return device.type

    assert on_device(compute, torch.ones(1), "cuda:1") == "cpu"
    assert "cuda:1 has no memory left to rank on: it is done on the CPU" in caplog.text

    def too_large(device):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        on_device(too_large, torch.ones(1), "cpu")


def test_candidates_that_would_fill_a_gpu_stay_where_they_are(monkeypatch):
    candidates = torch.ones(100, 10, dtype=torch.float16)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (3999, 10_000))
    assert moved(candidates, torch.device("cuda")) is candidates
    assert moved(candidates, torch.device("meta")).is_meta


def test_products_are_full_float32_where_the_surroundings_round():
    queries, candidates = apart(64, 0), apart(3000, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16), full_float32(queries.device):
        ((_, found),) = products(queries, candidates, 3000)
    torch.testing.assert_close(found.double(), queries.double() @ candidates.double().T, atol=1e-6, rtol=0)
