import pytest

from tests.curation.material import collection, row
from tests.curation.steps.material import SENTENCE, drops, variants
from tests.media.material import encoded, image_medium, photograph
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
    verdict = Decontamination([str(task)]).judge_set(collection(rows))
    assert drops(verdict) == {1: "text in an evaluation task", 2: "picture in an evaluation task"}
    assert verdict.drops[1].detail == "like query q of held_out" and verdict.drops[2].detail == "like candidate c of held_out"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Decontamination([]), "decontamination.tasks must be at least one task folder"),
        (lambda: Decontamination(["nowhere"]), "decontamination.tasks must be folders with a task.json, but is 'nowhere'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
