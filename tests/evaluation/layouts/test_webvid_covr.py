import pytest

from tests.evaluation.layouts.material import write_video
from tests.written import write_csv
from unite.config.schema.media import Decoding
from unite.errors import DataError
from unite.evaluation.layouts.webvid_covr import WebvidCovr, cleaned
from unite.types import Modality

FEW = "++suite.tasks.covr.metrics=[recall@1,recall@5]"
#: (edit, reference, target): the target's number is the reference's and the edit's together.
ROWS = [("add 1", 0, 1), ("add 1", 1, 2), ("add 2", 1, 3), ("add 3", 1, 4), ("add 1", 4, 5), ("add 5", 1, 6), ("add 1", 6, 7)]


def write(root, rows=ROWS):
    for _, *numbers in rows:
        for number in numbers:
            write_video(root / "WebVid-CoVR" / "8M" / "train" / "000001_000050" / f"{number}.mp4", number)
    written = [("a cat", "a dog", edit, f"000001_000050/{before}", f"000001_000050/{after}") for edit, before, after in rows]
    write_csv(root / "WebVid-CoVR" / "webvid8m-covr_test.csv", ("txt1", "txt2", "edit", "pth1", "pth2"), written)


def test_an_encoder_that_knows_finds_everything(suite_of, knowing, tmp_path):
    write(tmp_path)
    task = suite_of("webvid_covr", FEW).run(knowing).tasks["covr"]
    assert task.metrics == {"recall@1": 1.0, "recall@5": 1.0}
    assert (task.pair, task.num_queries, task.num_candidates) == ("text+video->video", 7, 7)


def test_each_query_is_ranked_against_all_targets_but_its_own_video(suite_of, tmp_path):
    write(tmp_path)
    suite = suite_of("webvid_covr", FEW)
    task = suite.load("covr")
    assert task.pool_sizes == (7, 6, 6, 6, 6, 6, 6)  # video 0 is nobody's target
    assert task.pools["000002"] == [f"000001_000050/{number}" for number in (2, 3, 4, 5, 6, 7)]
    assert task.relevance["000002"] == {"000001_000050/3": 1}
    content = task.queries[2].decode()
    assert (content.text, content.modality) == (f"{Modality.VIDEO.place}\nadd 2", Modality.TEXT | Modality.VIDEO)
    layout = WebvidCovr(folder="WebVid-CoVR", query_instruction="Change it:", metrics=("recall@1",))
    asked = layout.load("covr", tmp_path, Decoding()).queries[2].decode()
    assert (asked.text, asked.instruction, asked.modality) == ("<|VIDEO|>\n<|INSTRUCTION|>\nadd 2", "Change it:", content.modality)
    assert suite_of("webvid_covr").tasks["covr"].metrics == ("recall@1", "recall@5", "recall@10", "recall@50")


#: What `pre_caption(edit, 30)` of lucas-ventura/CoVR returns.
CLEANED = {
    "Add a Dog!": "add a dog",
    'Make it "night-time": dark, (very) dark...': "make it night-time dark, very dark",
    "  Turn   it\tblue;  now?\n": "turn it\tblue now?",
    "No. 1 of #2 ~ *three*": "no 1 of 2 three",
    " ".join(f"W{at}." for at in range(40)): " ".join(f"w{at}" for at in range(30)),
}


def test_an_edit_is_cleaned_as_by_the_benchmark_s_own_code_if_that_is_asked_for(suite_of, tmp_path):
    assert {edit: cleaned(edit) for edit in CLEANED} == CLEANED
    write(tmp_path, [("Add a Dog, 2!", 0, 2), ("add: 1", 1, 3)])
    one = "++suite.tasks.covr.metrics=[recall@1]"
    texts = [suite_of("webvid_covr", one, *more).load("covr").queries[0].stored.text for more in ([], ["suite.tasks.covr.clean_edit=true"])]
    assert texts == ["<|VIDEO|>\nAdd a Dog, 2!", "<|VIDEO|>\nadd a dog, 2"]
    write(tmp_path, [("...", 0, 2), ("add 1", 1, 3)])
    with pytest.raises(DataError, match=r"the edit of row 0 of webvid8m-covr_test\.csv .* must be more than what is taken out of it"):
        suite_of("webvid_covr", one, "suite.tasks.covr.clean_edit=true").load("covr")


def test_a_place_that_people_wrote_is_text(tmp_path):
    write(tmp_path, [("add a <|VIDEO|> 2", 0, 2), ("add 1", 1, 3)])
    layout = WebvidCovr(folder="WebVid-CoVR", metrics=("recall@1",))
    assert layout.load("covr", tmp_path, Decoding()).queries[0].stored.text == f"{Modality.VIDEO.place}\n" + r"add a <\|VIDEO|> 2"


def test_what_is_missing_or_broken_is_named(tmp_path):
    layout = WebvidCovr(folder="WebVid-CoVR", metrics=("recall@1",))
    with pytest.raises(DataError, match=r"without webvid8m-covr_test\.csv'\. Put webvid8m-covr_test\.csv of lucas-ventura/WebVid"):
        layout.load("covr", tmp_path, Decoding())
    write(tmp_path)
    (tmp_path / "WebVid-CoVR" / "8M" / "train" / "000001_000050" / "5.mp4").unlink()
    with pytest.raises(DataError, match=r"without 1 of 8 media: .*/5\.mp4"):
        layout.load("covr", tmp_path, Decoding())
    write(tmp_path, [("add 0", 3, 3)])
    with pytest.raises(DataError, match="the videos of row 0 .* must be two different ones"):
        layout.load("covr", tmp_path, Decoding())
