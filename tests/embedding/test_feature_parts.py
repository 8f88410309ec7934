import pytest
import torch

from unite.embedding.cache_parts import new_part
from unite.embedding.feature_parts import open_part, write_features


def features(count, dtype=torch.float32):
    generator = torch.Generator().manual_seed(count)
    return {place: torch.randn(1 + place % 3, 2, 4, generator=generator).to(dtype) for place in range(count)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_features_are_read_back_a_medium_at_a_time(tmp_path, dtype):
    written, path = features(7, dtype), new_part(tmp_path)
    write_features(path, written)
    part = open_part(path)
    places = part.places()
    assert places.keys() == written.keys()
    for name in (6, 0, 3, 0):
        assert torch.equal(part.read(places[name]), written[name])


def test_a_medium_whose_bytes_changed_is_not_given(tmp_path):
    written, path = features(4), new_part(tmp_path)
    write_features(path, written)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # features stand last in the file or not: what is checked is that none is given changed
    path.write_bytes(data)
    part = open_part(path)
    found = {} if part is None else {name: part.read(place) for name, place in part.places().items()}
    assert all(one is None or torch.equal(one, written[name]) for name, one in found.items())
    assert sum(one is not None for one in found.values()) < 4


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: data[:20], lambda data: b"", lambda data: b"x" * len(data)])
def test_a_part_that_is_no_part_is_set_aside(tmp_path, damage, caplog):
    path = new_part(tmp_path)
    write_features(path, features(4))
    path.write_bytes(damage(path.read_bytes()))
    assert open_part(path) is None
    assert "its features are made again; it is set aside" in caplog.text and path.with_suffix(".damaged").is_file()
