from dataclasses import replace

import pytest
from PIL import Image, ImageOps

from tests.curation.material import collection, row
from tests.curation.pictures import cropped, real_pictures
from tests.curation.steps.material import SENTENCE, drops, variants, write_short
from tests.media.material import encoded, image_medium, photograph
from unite.curation.raw import RawContent
from unite.curation.steps.decontamination import Decontamination
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.tasks import write_task
from unite.errors import ConfigError
from unite.types import Modality


@pytest.fixture
def task(tmp_path):
    picture = StoredMedium(Modality.IMAGE, encoded(photograph(0, 320, 240), "PNG"), "png")
    write_task(
        tmp_path / "task",
        name="held_out",
        queries=[Row("q", StoredContent(SENTENCE)), Row("r", StoredContent("a dog"))],
        candidates=[Row("c", StoredContent(media=(picture,)))],
        relevance={"q": {"c": 1}, "r": {"c": 1}},
        query_modality=Modality.TEXT,
        candidate_modality=Modality.IMAGE,
    )
    return tmp_path / "task"


def test_decontamination(task):
    rows = [
        row("a", "b"),
        row("found in the other side", SENTENCE.replace("old", "big")),
        row("a picture of it", "", positive_media=[image_medium(variants()[1])]),
        row("another picture", "", positive_media=[image_medium(photograph(3))]),
        row("a dog", "short texts are in every set"),
    ]
    verdict = Decontamination([str(task)], max_short_rows=0).judge_set(collection(rows))
    assert drops(verdict) == {1: "text in an evaluation task", 2: "picture in an evaluation task"}
    assert verdict.drops[1].detail == "like query q of held_out" and verdict.drops[2].detail == "like candidate c of held_out"


def test_short_texts_and_pairs(tmp_path):
    rows = [
        row("Red  panda", "Ailurus"),
        row("ailurus", "red panda", instruction="Name it in English."),  # the other way around
        row("ailurus", "a bear of the east"),
        row("a picture of a red panda", "nothing of the task but in a longer text"),
        row("dog", "ailurus"),
        row("dog", "canis"),
        row("dog", "felis"),
        *(row(f"picture {at}", "dog") for at in range(9)),
        row("red panda", "its photograph", query_media=[image_medium(photograph(5))]),  # of a query with a picture a text is but a part
        row("pandas are red", "canis"),
    ]
    step = Decontamination([write_short(tmp_path / "task")])
    verdict = step.judge_set(collection(rows))
    # "dog" is in 12 rows: the name of a class; "ailurus" in 4, "canis" in 2, "felis" in 1.
    assert drops(verdict) == dict.fromkeys((0, 1, 5), "pair in an evaluation task") | dict.fromkeys(
        (2, 4, 6, 17), "text in an evaluation task"
    )
    assert verdict.drops[1].detail == "like query q0 and candidate c0 of names" and verdict.drops[2].detail == "like candidate c0 of names"
    assert sorted(Decontamination(step.tasks, max_short_rows=0).judge_set(collection(rows)).drops) == [0, 1, 5]
    assert sorted(Decontamination(step.tasks, max_short_rows=99).judge_set(collection(rows)).drops) == [0, 1, 2, *range(4, 16), 17]


def test_pairs_of_rows_with_several_positives(tmp_path):
    several = row("red panda", "ailurus")
    several = replace(several, positives=(*several.positives, RawContent("ailurus fulgens")))
    step = Decontamination([write_short(tmp_path / "task")], max_short_rows=0)
    assert drops(step.judge_set(collection([several]))) == {0: "pair in an evaluation task"}


def test_crops_and_mirror_images_of_an_evaluation_task(tmp_path):
    image, other, _ = real_pictures()
    contents = [
        StoredContent(media=(StoredMedium(Modality.IMAGE, encoded(one, "PNG"), "png"),)) for one in (image, Image.new("RGB", (90, 60)))
    ]
    write_task(
        tmp_path / "task",
        name="temples",
        queries=[Row("q", StoredContent("a temple"))],
        candidates=[Row(f"c{at}", content) for at, content in enumerate(contents)],
        relevance={"q": {"c0": 1}},
        query_modality=Modality.TEXT,
        candidate_modality=Modality.IMAGE,
    )
    shown = [cropped(image, left=0.1), cropped(image, 0.1, 0.1, 0.1, 0.1), ImageOps.mirror(image), other, image.resize((200, 130))]
    rows = collection([row("a", "", positive_media=[image_medium(one)]) for one in shown])
    step = Decontamination([str(tmp_path / "task")])
    assert drops(step.judge_set(rows)) == dict.fromkeys((0, 1, 2, 4), "picture in an evaluation task")
    assert sorted(Decontamination(step.tasks, max_crop=0, mirrored=False).judge_set(rows).drops) == [4]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Decontamination(["x"], max_short_rows=-1), "decontamination.max_short_rows must be at least 0, but is -1"),
        (lambda: Decontamination([]), "decontamination.tasks must be at least one task folder"),
        (lambda: Decontamination(["nowhere"]), "decontamination.tasks must be folders with a task.json, but is 'nowhere'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
