"""What a diagnosis tells, and the pool that it is told of (`mixed_pool.py`), equals plain sums."""

import math

import numpy as np
import pytest

from tests.evaluation.material import NUM, fused
from tests.fake_encoder import image
from unite.config.schema import SuiteConfig
from unite.embedding.embed import embed_contents
from unite.embedding.memory import MemoryCache
from unite.errors import DataError
from unite.evaluation import diagnosis
from unite.evaluation.diagnosis import diagnose
from unite.evaluation.suite import Suite
from unite.types import Content, Modality


def by_hand(encoder, contents):
    return embed_contents(encoder, contents).double().numpy()


@pytest.fixture
def suite(make_task):
    images = make_task(NUM, candidates=[Content(media=(image(at),)) for at in range(NUM)], candidate_modality=Modality.IMAGE)
    # its queries are the other task's candidates: contents of the pool itself
    back = make_task(NUM, queries=images.candidates, query_modality=Modality.IMAGE)
    subset = make_task(8, kind="subset")
    return Suite(SuiteConfig(name="s", tasks={"t2i": images, "i2t": back, "gone": "no/such", "spatial": subset}, diagnose=True))


def test_values_equal_plain_sums(suite, encoder):
    values = diagnose(suite, lambda contents: embed_contents(encoder, contents), MemoryCache()).metrics()
    texts, images, dots = (
        by_hand(encoder, side) for side in (suite.tasks["t2i"].queries, suite.tasks["t2i"].candidates, suite.tasks["i2t"].candidates)
    )
    assert values["s/diagnostics/modality_gap/t2i"] == pytest.approx(np.linalg.norm(texts.mean(0) - images.mean(0)), abs=1e-6)
    assert values["s/diagnostics/alignment/i2t"] == pytest.approx(((images - dots) ** 2).sum(1).mean(), abs=1e-6)
    every = np.concatenate([texts, dots])
    pairs = [(a, b) for row, a in enumerate(every) for b in every[:row]]
    expected = math.log(np.mean([math.exp(-2 * math.dist(a, b) ** 2) for a, b in pairs]))
    assert values["s/diagnostics/uniformity/text"] == pytest.approx(expected, abs=1e-6)
    pool = np.concatenate([images, dots])
    wrong = []
    for row, query in enumerate(images):  # i2t: images ask for texts, in a pool where they stand themselves
        hits = sorted((other for other in range(2 * NUM) if other != row), key=lambda other: -float(query @ pool[other]))[:10]
        wrong += [hit < NUM for hit in hits]
    assert values["s/diagnostics/wrong_modality@10/i2t"] == pytest.approx(np.mean(wrong))
    assert values["s/diagnostics/hits@10/i2t/image"] == pytest.approx(np.mean(wrong))
    assert values["s/diagnostics/hits@10/i2t/text"] == pytest.approx(1 - np.mean(wrong))
    for name, queries in (("t2i", texts), ("i2t", images)):  # right, and above all that is no such content
        scores = queries @ pool.T
        if name == "i2t":
            np.fill_diagonal(scores[:, :NUM], -2)  # the query itself
        right = [
            scores[row, pool_row] == scores[row].max() for row, pool_row in enumerate(range(NUM) if name == "t2i" else range(NUM, 2 * NUM))
        ]
        assert values[f"s/diagnostics/recall@1_mixed/{name}"] == pytest.approx(np.mean(right))
    assert not any("spatial" in key or "gone" in key or "without" in key for key in values)


@pytest.mark.parametrize("weight_of_image", [False, True])
def test_grey_pictures_show_whether_the_picture_is_looked_at(make_task, encoder, weight_of_image):
    task = fused(make_task, weight_of_image)
    found = diagnose(
        Suite(SuiteConfig(name="s", tasks={"it2it": task})), lambda contents: embed_contents(encoder, contents), MemoryCache()
    ).tasks["it2it"]
    greyed = [Content(text=query.text, media=(image(128),)) for query in task.queries]
    bare = [Content(text=Modality.IMAGE.place, media=query.media) for query in task.queries]
    candidates = by_hand(encoder, task.candidates)
    for value, queries in ((found.recall, task.queries), (found.recall_without_medium, greyed), (found.recall_without_text, bare)):
        best = (by_hand(encoder, queries) @ candidates.T).argmax(1)
        assert value == pytest.approx((best == np.arange(NUM)).mean())
    if weight_of_image:
        assert found.recall == found.recall_without_text == 1.0 > found.recall_without_medium
    else:
        assert found.recall_without_medium == 1.0 >= found.recall


def test_large_tasks_are_looked_at_in_part(make_task, encoder, monkeypatch):
    monkeypatch.setattr(diagnosis, "MOST", 5)
    asked = []
    task = fused(make_task, True)
    suite = Suite(
        SuiteConfig(
            name="s", tasks={"a": task, "b": make_task(NUM, pools={f"q{at}": [f"c{one}" for one in range(NUM)] for at in range(NUM)})}
        )
    )
    diagnose(suite, lambda contents: asked.append(len(contents)) or embed_contents(encoder, contents), MemoryCache())
    assert max(asked) == NUM and asked.count(5) == 6  # both sides of both, and two blanked ones; only what is ranked is whole


def test_a_broken_medium_is_named(make_task, encoder):
    bad = make_task(NUM, queries=[Content(text=f"a nan {at}") for at in range(NUM)])
    with pytest.raises(DataError, match="NaN"):
        diagnose(Suite(SuiteConfig(name="s", tasks={"t": bad})), lambda contents: embed_contents(encoder, contents), MemoryCache())
