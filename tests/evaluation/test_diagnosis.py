import io
import math

import numpy as np
import pytest
from rich.console import Console

from tests.fake_encoder import FakeEncoder, image
from unite.config.schema import SuiteConfig
from unite.embedding.embed import MemoryCache, embed_contents
from unite.errors import DataError
from unite.evaluation import diagnosis
from unite.evaluation.blanked import Picked, spread, without_medium, without_text
from unite.evaluation.diagnosis import diagnose
from unite.evaluation.evaluate import evaluate
from unite.evaluation.suite import Suite
from unite.types import Content, Medium, Modality

NUM = 12


def fused(make_task, weight_of_image):
    """Queries of a text and a picture; the right candidate is near either to the text alone or to the picture alone."""
    queries = [Content(text=f"{Modality.IMAGE.place} word {at * 7919 % 1000}", media=(image(at),)) for at in range(NUM)]
    texts = [f"{Modality.IMAGE.place} word {at * 7919 % 1000}" for at in range(NUM)]
    candidates = [Content(text=text, media=(image(at if weight_of_image else 128),)) for at, text in enumerate(texts)]
    modality = Modality.TEXT | Modality.IMAGE
    return make_task(NUM, name="it2it", queries=queries, candidates=candidates, query_modality=modality, candidate_modality=modality)


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
    pairs = [(a, b) for at, a in enumerate(every) for b in every[:at]]
    expected = math.log(np.mean([math.exp(-2 * math.dist(a, b) ** 2) for a, b in pairs]))
    assert values["s/diagnostics/uniformity/text"] == pytest.approx(expected, abs=1e-6)
    pool = np.concatenate([images, dots])
    wrong = []
    for at, query in enumerate(images):  # i2t: images ask for texts, in a pool where they stand themselves
        left = sorted((one for one in range(2 * NUM) if one != at), key=lambda one: -float(query @ pool[one]))[:10]
        wrong += [one < NUM for one in left]
    assert values["s/diagnostics/wrong_modality@10/i2t"] == pytest.approx(np.mean(wrong))
    assert not any("spatial" in key or "gone" in key or "without" in key for key in values)


@pytest.mark.parametrize("weight_of_image", [False, True])
def test_grey_pictures_show_whether_the_picture_is_looked_at(make_task, encoder, weight_of_image):
    task = fused(make_task, weight_of_image)
    found = diagnose(
        Suite(SuiteConfig(name="s", tasks={"it2it": task})), lambda contents: embed_contents(encoder, contents), MemoryCache()
    ).tasks["it2it"]
    greyed = [Content(text=one.text, media=(image(128),)) for one in task.queries]
    bare = [Content(text=Modality.IMAGE.place, media=one.media) for one in task.queries]
    candidates = by_hand(encoder, task.candidates)
    for value, queries in ((found.recall, task.queries), (found.recall_without_medium, greyed), (found.recall_without_text, bare)):
        best = (by_hand(encoder, queries) @ candidates.T).argmax(1)
        assert value == pytest.approx((best == np.arange(NUM)).mean())
    if weight_of_image:
        assert found.recall == found.recall_without_text == 1.0 > found.recall_without_medium
    else:
        assert found.recall_without_medium == 1.0 >= found.recall


def test_blanked_contents():
    frames = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    video = Medium(Modality.VIDEO, frames, 5, (0.0, 1.5))
    other = Medium(Modality.VIDEO, frames[::-1], 6, (0.0, 1.5))
    content = Content(f"{Modality.IMAGE.place} and text", (video,), "Find it.")
    grey = without_medium(content)
    assert (grey.media[0].frames == 128).all() and grey.media[0].frames.shape == frames.shape and grey.media[0].seconds == (0.0, 1.5)
    assert (grey.text, grey.instruction) == (content.text, "Find it.")
    assert grey.fingerprint == without_medium(Content(content.text, (other,), "Find it.")).fingerprint != content.fingerprint
    assert without_text(content).text == Modality.IMAGE.place
    assert without_text(content).modality is Modality.VIDEO


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
    assert spread(10, 4) == [0, 3, 6, 9] and spread(3, 10) == [0, 1, 2]
    assert [one.text for one in Picked([Content("a"), Content("b"), Content("c")], [2, 0])] == ["c", "a"]


def test_evaluation_embeds_only_the_blanked_queries_anew_and_writes_what_it_found(make_task, encoder, tmp_path):
    task, file = fused(make_task, True), io.StringIO()
    suite = Suite(SuiteConfig(name="s", tasks={"it2it": task}, diagnose=True))
    evaluation = evaluate(encoder, [suite], tmp_path, Console(file=file, width=120), MemoryCache())
    assert len(encoder.processor.encoded) == len({one.fingerprint for one in (*task.queries, *task.candidates)}) + 2 * NUM
    assert (
        f'"s/diagnostics/recall@1_without_medium/it2it": {evaluation.diagnoses[0].tasks["it2it"].recall_without_medium}'
        in (tmp_path / "metrics.json").read_text()
    )
    text = " ".join(file.getvalue().split())
    assert "s: diagnostics" in text and "T+I → T+I" in text and "uniformity (lower is more even): text+image" in text


def test_without_the_switch_there_is_no_diagnosis(make_task, tmp_path):
    assert (
        evaluate(FakeEncoder(), [Suite(SuiteConfig(name="s", tasks={"t": make_task()}))], tmp_path, Console(file=io.StringIO())).diagnoses
        == []
    )


def test_a_broken_medium_is_named(make_task, encoder):
    bad = make_task(NUM, queries=[Content(text=f"a nan {at}") for at in range(NUM)])
    with pytest.raises(DataError, match="NaN"):
        diagnose(Suite(SuiteConfig(name="s", tasks={"t": bad})), lambda contents: embed_contents(encoder, contents), MemoryCache())
