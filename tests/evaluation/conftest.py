import importlib

import pytest

from tests.fake_encoder import FakeEncoder
from unite.evaluation.tasks import RetrievalTask
from unite.types import Content, Modality


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def make_task():
    def make(num: int = 12, **changes) -> RetrievalTask:
        """Texts to texts: query `word i` and candidate `word i.` are much alike, so most ranks are 1 and some are not."""
        fields = {
            "name": "text_to_text",
            "query_ids": [f"q{at}" for at in range(num)],
            "queries": [Content(text=f"word {at * 7919 % 1000}") for at in range(num)],
            "candidate_ids": [f"c{at}" for at in range(num)],
            "candidates": [Content(text=f"word {at * 7919 % 1000}.") for at in range(num)],
            "relevance": {f"q{at}": {f"c{at}": 1} for at in range(num)},
            "query_modality": Modality.TEXT,
            "candidate_modality": Modality.TEXT,
        }
        return RetrievalTask(**{**fields, **changes})

    return make


@pytest.fixture
def registered(monkeypatch):
    """Has mteb know classes of tasks by name, as it does its own; returns a task of each."""
    registry = importlib.import_module("mteb.get_tasks")._TASKS_REGISTRY

    def register(*classes):
        for one in classes:
            monkeypatch.setitem(registry, one.metadata.name, one)
        return [one() for one in classes]

    return register
