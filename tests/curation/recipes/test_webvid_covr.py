from tests.curation.recipes.material import paths, read_all
from tests.written import write_csv
from unite.curation.recipes.webvid_covr import WebvidCovr
from unite.types import Modality


def test_webvid_covr(tmp_path):
    file = write_csv(
        tmp_path / "covr.csv",
        ["txt1", "txt2", "sim_txt", "pth1", "pth2", "edit", "scores"],
        [
            ["a cat, asleep", "a dog", "0.9", "021/1", "022/2", "make it\na dog", "[0.1]"],
            ["a", "b", "0.9", "021/1", "022/2", "", "[]"],
        ],
    )
    first, second = read_all(WebvidCovr("c", file, media_root=tmp_path))
    assert first.query.text == f"{Modality.VIDEO.place}\nmake it\na dog" and paths(first.query) == [f"{tmp_path}/021/1.mp4"]
    assert paths(first.positives[0]) == [f"{tmp_path}/022/2.mp4"] and first.positives[0].group == "c/022/2"
    assert first.metadata == {"txt1": "a cat, asleep", "txt2": "a dog", "sim_txt": "0.9", "scores": "[0.1]"}
    assert second == "empty field"
    asked, _ = read_all(WebvidCovr("c", file, media_root=tmp_path, instruction="Find the changed video:"))
    assert asked.query.text == "<|VIDEO|>\n<|INSTRUCTION|>\nmake it\na dog" and asked.query.instruction == "Find the changed video:"
