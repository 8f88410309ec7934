"""What a datasheet shows of rows is what they hold: their own pictures and texts, beside the reason of the step that left them out."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.curation.material import Rows, row
from tests.media.material import clip, encoded, image_medium, photograph, video_medium
from tests.written import write_csv
from unite.curation import pipeline
from unite.curation.pipeline import Curation
from unite.curation.recipes.image_captions import ImageCaptions
from unite.curation.steps.balance import Balance
from unite.curation.steps.decontamination import Decontamination
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.image_size import ImageSize
from unite.curation.steps.text_length import TextLength
from unite.curation.steps.video_length import VideoLength
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.tasks import write_task
from unite.files import read_lines
from unite.media.ready import RawMedium
from unite.types import Modality


@pytest.fixture
def examples_of(tmp_path, monkeypatch):
    """Curates and returns the examples that the page is given, by source."""

    def curate(recipes, steps=(), **options):
        given = []
        monkeypatch.setattr(pipeline, "render_page", lambda sheet, examples: given.append(examples) or "")
        Curation(recipes, steps, out=tmp_path / "set", workers=1, progress=False, max_unusable_share=1, **options).run()
        return {found.source: found for found in given[0]}

    return curate


def pixels(side):
    (picture,) = side.preview.pictures
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture[1]))).convert("RGB"), float)


def is_picture(side, image):
    """Whether a side shows an image, but for its size and JPEG."""
    small = image.convert("RGB")
    small.thumbnail((96, 96))
    shown = pixels(side)
    return shown.shape == np.asarray(small).shape and np.abs(shown - np.asarray(small)).mean() < 12


def test_rows_left_out_one_by_one_are_read_again(tmp_path, examples_of):
    photograph(1, 40, 30).save(tmp_path / "small.png")
    photograph(2).save(tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(encoded(photograph(3))[:300])
    lines = [["small.png", "a small one"], ["good.png", "short"], ["broken.jpg", "a broken one"], ["gone.png", "no file"], ["good.png", ""]]
    lines += [["good.png", f"a good one, number {at}"] for at in range(20)]
    recipe = ImageCaptions("pictures", write_csv(tmp_path / "rows.csv", ["image", "caption"], lines))
    found = examples_of([recipe], [ImageSize(min_side=64), TextLength(min_words=2)])["pictures"]
    steps = {step.step: step for step in found.steps}
    assert list(steps) == ["read", "image_size", "text_length", "media"] and not found.kept  # in the order in which they run
    (small,), (short,), (broken,), (empty,), gone = (
        steps["image_size"].dropped,
        steps["text_length"].dropped,
        [one for one in steps["media"].dropped if one.reason == "broken image"],
        steps["read"].dropped,
        next(one for step in found.steps for one in step.dropped if one.reason == "missing file"),
    )
    assert small.sides[0].preview.text == "a small one" and is_picture(small.sides[1], photograph(1, 40, 30))
    assert (small.reason, small.file) == ("image too small", "small.png") and small.detail.endswith("is 40 x 30")
    assert short.sides[0].preview.text == "short" and is_picture(short.sides[1], photograph(2))
    assert broken.sides[0].preview.text == "a broken one" and broken.sides[1].broken == ("broken image",)
    assert gone.sides[1].broken == ("missing file",) and not gone.sides[1].preview.pictures
    assert empty.fields == {"image": "good.png", "caption": ""} and empty.sides == ()
    for step in found.steps:
        assert len(step.kept) == 2 and all(one.reason == "" and is_picture(one.sides[1], photograph(2)) for one in step.kept)
        assert all(one.file == "good.png" and "number" in one.sides[0].preview.text for one in step.kept)
    assert len({one.key for step in found.steps for one in step.kept}) == 8  # each step has others beside it


def test_lines_of_rows_left_out_name_file_and_caption(tmp_path, examples_of):
    photograph(1).save(tmp_path / "1.png")
    lines = [["1.png", "c" * 1000], ["1.png", "c" * 1000], ["gone.png", "no file"], ["1.png", ""]]
    table = write_csv(tmp_path / "rows.csv", ["image", "caption"], lines)
    examples_of([ImageCaptions("pictures", table)], [ExactDuplicates()])
    gone, empty, twice = read_lines(tmp_path / "set" / "skipped.jsonl")
    assert gone["files"] == [f"{tmp_path}/gone.png"] and gone["texts"] == ["no file", ""] and gone["record"] == 2
    assert empty["fields"] == {"image": "1.png", "caption": ""} and empty["record"] == 3
    assert twice["files"] == [f"{tmp_path}/1.png"] and twice["texts"] == ["c" * 199 + "…", ""] and twice["like"] == "pictures/000000000"
    assert {"row", "like_row"}.isdisjoint(twice)


def test_what_a_row_repeats_stands_beside_it(examples_of):
    pictures = [image_medium(photograph(at)) for at in range(6)]
    rows = [row(f"picture {at}", "", positive_media=[picture]) for at, picture in enumerate(pictures)]
    found = examples_of([Rows(rows, "first"), Rows(rows[3:5], "second")], [ExactDuplicates()])["second"]
    (step,) = found.steps
    assert [one.like for one in step.dropped] == ["first/000000003", "first/000000004"] and not step.kept
    for at, one in zip((3, 4), step.dropped, strict=True):
        assert one.sides[0].preview.text == one.twin[0].preview.text == f"picture {at}"
        assert is_picture(one.sides[1], photograph(at)) and is_picture(one.twin[1], photograph(at))


def test_what_an_evaluation_task_holds_stands_beside_a_row_like_it(tmp_path, examples_of):
    picture = photograph(0, 320, 240)
    held = Row("c", StoredContent(media=(StoredMedium(Modality.IMAGE, encoded(picture, "PNG"), "png"),)))
    sides = {"query_modality": Modality.TEXT, "candidate_modality": Modality.IMAGE}
    query = Row("q", StoredContent("a query that is long enough to be compared with texts"))
    write_task(tmp_path / "task", name="held_out", queries=[query], candidates=[held], relevance={"q": {"c": 1}}, **sides)
    rows = [
        row("a caption of somebody", "", positive_media=[image_medium(picture.resize((200, 150)))]),
        row("nothing to do with it", "", positive_media=[image_medium(photograph(5))]),
        row("", query.query.text.upper(), query_media=[image_medium(photograph(6))]),
    ]
    found = examples_of([Rows(rows, "s")], [Decontamination([str(tmp_path / "task")])])["s"]
    shown, told = found.steps[0].dropped
    if shown.reason.startswith("text"):
        shown, told = told, shown
    assert shown.like == "candidate c of held_out" and is_picture(shown.twin[0], picture)
    assert told.like == "query q of held_out" and told.twin[0].preview.text == query.query.text


def test_a_pair_of_an_evaluation_task_stands_beside_a_row_like_it(tmp_path, examples_of):
    query, candidate = Row("q", StoredContent("red panda")), Row("c", StoredContent("ailurus"))
    sides = {"query_modality": Modality.TEXT, "candidate_modality": Modality.TEXT}
    write_task(tmp_path / "task", name="held_out", queries=[query], candidates=[candidate], relevance={"q": {"c": 1}}, **sides)
    (step,) = examples_of([Rows([row("ailurus", "red panda"), row()], "s")], [Decontamination([str(tmp_path / "task")])])["s"].steps
    (pair,) = step.dropped
    assert pair.like == "query q and candidate c of held_out"
    assert [side.preview.text for side in pair.twin] == ["red panda", "ailurus"]


def test_videos_are_shown_as_frames_whether_left_out_or_kept(examples_of):
    still = clip(30, 10, shift=0)
    rows = [row("a still one", "", positive_media=[video_medium(still)])]
    rows += [row(f"it moves {at}", "", positive_media=[video_medium(clip(30, 10, seed=at))]) for at in range(2)]
    (step,) = examples_of([Rows(rows, "clips")], [VideoLength()])["clips"].steps
    (dropped,) = step.dropped
    assert dropped.reason == "static clip" and len(step.kept) == 2
    for one in (dropped, *step.kept):
        ((kind, _),) = one.sides[1].preview.pictures
        high, wide, _ = pixels(one.sides[1]).shape
        assert kind == "video" and wide > 3 * high  # frames side by side


def test_without_a_row_left_out_some_that_were_kept_are_shown(examples_of):
    found = examples_of([Rows([row(f"text {at}", "answer") for at in range(40)], "texts")])["texts"]
    assert found.steps == () and [one.key for one in found.kept] == [f"{at:09d}" for at in (3, 10, 16, 23, 30, 36)]
    assert found.kept[0].sides[0].preview.text == "text 3" and found.kept[0].sides[1].preview.text == "answer"


def test_a_source_without_a_row_left_and_a_collection_that_is_gone_end_nothing(tmp_path, examples_of):
    class Gone(Rows):
        reads = 0

        def read(self, at):
            Gone.reads += 1
            if Gone.reads > len(self.rows):
                raise FileNotFoundError("rows.csv")
            return super().read(at)

    found = examples_of([Gone([row("one", "two")], "gone"), Rows([row("one two", "three four")], "kept")], [TextLength(min_words=2)])
    (dropped,) = found["gone"].steps[0].dropped
    assert dropped.sides == () and dropped.reason == "text too short" and found["gone"].steps[0].kept == ()


def test_a_step_that_says_nothing_of_likeness_shows_the_rows_alone(examples_of):
    rows = [row(f"text {at}", "answer") for at in range(9)]
    (step,) = examples_of([Rows(rows, "s")], [Balance(max_rows=5)])["s"].steps
    assert len(step.dropped) == 4 and all(one.twin == () and one.like == "" for one in step.dropped) and len(step.kept) == 2


def test_a_medium_in_the_record_is_called_what_the_record_calls_it(examples_of):
    named = RawMedium(Modality.IMAGE, data=encoded(photograph(0, 30, 30)), name="x.tar/0.jpg")
    (step,) = examples_of([Rows([row("a", "", positive_media=[named]), row("b", "c")], "s")], [ImageSize()])["s"].steps
    assert step.dropped[0].file == "0.jpg" and step.dropped[0].detail == "x.tar/0.jpg is 30 x 30"
