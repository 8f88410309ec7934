import pytest

from tests.curation.recipes.material import read_all
from tests.media.material import photograph
from unite.curation.recipes.huggingface import HuggingFace
from unite.errors import ConfigError, DataError


def test_huggingface(tmp_path):
    datasets = pytest.importorskip("datasets")
    image = photograph()
    features = datasets.Features({"image": datasets.Image(), "captions": [datasets.Value("string")], "id": datasets.Value("int64")})
    whole = datasets.Dataset.from_dict({"image": [image, image], "captions": [["a", "b"], []], "id": [1, 2]}, features=features)
    datasets.DatasetDict({"test": whole}).save_to_disk(str(tmp_path / "set"))
    recipe = HuggingFace("h", tmp_path / "set", split="test", query={"image": "image"}, positive={"text": "captions"})
    first, second = read_all(recipe)
    assert [one.text for one in first.positives] == ["a", "b"] and first.metadata == {"id": "1"} and second == "empty content"
    assert first.query.media[0].data.startswith(b"\x89PNG")
    with pytest.raises(DataError, match="such that text is among them.*The columns found are: image, captions, id"):
        HuggingFace("h", tmp_path / "set", split="test", query={"text": "text"}, positive={"text": "captions"})
    with pytest.raises(DataError, match="the split of .* must be one of test, but is 'train'"):
        HuggingFace("h", tmp_path / "set", query={"text": "captions"}, positive={"text": "captions"})
    with pytest.raises(ConfigError, match="a side of recipe h must be one of .*, but is 'picture'"):
        HuggingFace("h", tmp_path / "set", query={"picture": "image"}, positive={"text": "captions"})
