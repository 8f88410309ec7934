import json

from tests.curation.recipes.material import json_file, paths, read_all, read_texts
from unite.curation.recipes.unite_json import UniteJson
from unite.types import Modality


def test_unite_json(tmp_path):
    file = json_file(
        tmp_path / "rows.json",
        [
            {"query": {"text": "a cat"}, "candidate": {"image": "cat.jpg"}, "target_modal": "image"},
            {
                "query": {
                    "text": f"first {Modality.IMAGE.place} then {Modality.VIDEO.place} and {Modality.IMAGE.place}",
                    "image": ["1.jpg", "2.jpg"],
                    "video": "v.mp4",
                },
                "candidate": {"text": "an answer"},
                "negative": {"text": "a wrong one"},
            },
            {
                "query": {"text": "what is it?", "image": "cat.jpg"},
                "candidate": {"text": "x", "video": ["v.mp4"]},
                "target_modal": "text,video",
            },
            {"query": {"text": f"{Modality.IMAGE.place} {Modality.IMAGE.place}", "image": "one.jpg"}, "candidate": {"text": "x"}},
            {"query": {"text": "a"}, "candidate": {"text": "b"}, "target_modal": "scent"},
            {"query": {"text": "a"}, "candidate": {"text": "b"}, "target_modal": "image"},
            {"query": {"text": "a", "scent": "a.wav"}, "candidate": {"text": "b"}},
            {"query": {"text": ""}, "candidate": {"text": "b"}},
        ],
    )
    first, second, third, *skipped = read_all(UniteJson("u", file, media_root=tmp_path, licence="MIT"))
    assert first.query.text == "a cat" and paths(first.positives[0]) == [f"{tmp_path}/cat.jpg"] and first.licence == "MIT"
    assert paths(second.query) == [f"{tmp_path}/1.jpg", f"{tmp_path}/v.mp4", f"{tmp_path}/2.jpg"]  # in the order of their places
    assert [medium.modality for medium in second.query.media] == [Modality.IMAGE, Modality.VIDEO, Modality.IMAGE]
    assert second.negatives[0].text == "a wrong one"
    assert third.query.text == "what is it?" and paths(third.query) == [f"{tmp_path}/cat.jpg"]  # the image is not dropped
    assert skipped == ["placeholders", "unknown modality", "wrong modality", "unreadable record", "empty content"]


def test_rows_of_the_authors_json_with_other_types(tmp_path):
    text = {"text": "a"}
    values = [(text, {"image": 5}), (text, {"image": [5]}), ([], text), (text, {"text": "  "}), (text, text)]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"query": query, "candidate": candidate} for query, candidate in values]))
    assert read_texts(UniteJson("u", path)) == [
        "unreadable record: media are 5, neither a path nor a list of paths",
        "unreadable record: media are [5], neither a path nor a list of paths",
        "unreadable record: query is list, not an object",
        "empty content: it holds neither text nor medium",
        ("a", "a"),
    ]
