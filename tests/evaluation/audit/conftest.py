import pytest

from tests.fake_encoder import image
from unite.evaluation.tasks import RetrievalTask
from unite.types import Content, Modality

NUM = 24


@pytest.fixture
def make_labelled():
    def make(**changes):
        """24 words and as many pictures, one for each; three variants a unit, in two colours that every unit shows."""
        ids = [f"c{at:02d}" for at in range(NUM)]
        fields = {
            "name": "words",
            "query_ids": [f"q{at:02d}" for at in range(NUM)],
            "queries": [Content(text=f"word {at}") for at in range(NUM)],
            "candidate_ids": ids,
            "candidates": [Content(media=(image(10 * at),)) for at in range(NUM)],
            "relevance": {f"q{at:02d}": {ids[at]: 1} for at in range(NUM)},
            "query_modality": Modality.TEXT,
            "candidate_modality": Modality.IMAGE,
            "labels": {one: {"colour": ("red", "blue", "red")[at % 3], "unit": f"u{at // 3}"} for at, one in enumerate(ids)},
        }
        return RetrievalTask(**{**fields, **changes})

    return make
