import pytest

from tests.curation.recipes.material import read_all
from tests.media.material import encoded, photograph
from unite.curation.recipes.huggingface import HuggingFace
from unite.errors import ConfigError, DataError, SkippedRowError

datasets = pytest.importorskip("datasets")


def test_huggingface(tmp_path):
    image = photograph()
    features = datasets.Features({"image": datasets.Image(), "captions": [datasets.Value("string")], "id": datasets.Value("int64")})
    whole = datasets.Dataset.from_dict({"image": [image, image], "captions": [["a", "b"], []], "id": [1, 2]}, features=features)
    datasets.DatasetDict({"test": whole}).save_to_disk(str(tmp_path / "set"))
    recipe = HuggingFace("h", tmp_path / "set", split="test", query={"image": "image"}, positive={"text": "captions"})
    first, second = read_all(recipe)
    assert [one.text for one in first.positives] == ["a", "b"] and first.metadata == {"id": "1"} and second == "empty content"
    assert first.query.media[0].data.startswith(b"\x89PNG")
    with pytest.raises(
        DataError, match="such that text is among them.*found are: image, image.bytes, image.path, captions, id. Set h.query.text="
    ):
        HuggingFace("h", tmp_path / "set", split="test", query={"text": "text"}, positive={"text": "captions"})
    with pytest.raises(DataError, match="the split of .* must be one of test, but is 'train'"):
        HuggingFace("h", tmp_path / "set", query={"text": "captions"}, positive={"text": "captions"})
    with pytest.raises(ConfigError, match="a kind in h.query must be one of .*, but is 'picture'"):
        HuggingFace("h", tmp_path / "set", query={"picture": "image"}, positive={"text": "captions"})


def test_lists_of_images_are_not_decoded(tmp_path):
    images = [[photograph(at) for at in range(2)], [photograph(3)]]
    features = datasets.Features({"images": datasets.List(datasets.Image()), "text": datasets.Value("string")})
    datasets.Dataset.from_dict({"images": images, "text": ["a", "b"]}, features=features).save_to_disk(str(tmp_path / "set"))
    rows = read_all(HuggingFace("h", tmp_path / "set", query={"text": "text"}, positive={"image": "images"}))
    media = [[medium.data for medium in row.positives[0].media] for row in rows]
    assert media == [[encoded(image, "PNG") for image in of_row] for of_row in images]


def test_a_field_of_an_object_and_lists_of_queries(tmp_path):
    answers = [{"text": ["he", "him"], "start": [1, 2]}, {"text": [], "start": []}]
    datasets.Dataset.from_dict({"question": ["who?", "what?"], "answers": answers}).save_to_disk(str(tmp_path / "set"))
    first, second = read_all(HuggingFace("h", tmp_path / "set", query={"text": "question"}, positive={"text": "answers.text"}))
    assert [one.text for one in first.positives] == ["he", "him"] and second == "empty content" and not first.metadata
    turned = HuggingFace("h", tmp_path / "set", query={"text": "answers.text"}, positive={"text": "question"})
    with pytest.raises(SkippedRowError, match="several queries: answers.text is a list of 2 texts: a row has one query"):
        turned.read(0)
    with pytest.raises(DataError, match="such that answers.texts is .* answers.text, answers.start. Set h.positive.text="):
        HuggingFace("h", tmp_path / "set", query={"text": "question"}, positive={"text": "answers.texts"})
