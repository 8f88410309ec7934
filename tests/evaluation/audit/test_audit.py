"""An audit of a fake encoder from the tasks to `page.py` and `result.py`: what it finds is counted again by hand."""

import json
import math
import re

import numpy as np
import pytest

from tests.browser import browse, needs_browser
from unite.config.schema import AssociationConfig, AuditOptions, SuiteConfig
from unite.embedding.embed import embed_contents
from unite.evaluation.audit.audit import audit
from unite.evaluation.audit.page import headline, logs, place, points, render_page
from unite.evaluation.suite import Suite, judge_task
from unite.types import Content, Modality

WORDS = AssociationConfig(attribute="colour", groups=["red", "blue"], words={"warm": ["fire", "sun"], "cold": ["ice"]})
OPTIONS = AuditOptions(ks=[1, 5], associations={"warmth": WORDS}, num_resamples=300)


@pytest.fixture
def tasks(make_labelled):
    """Words to pictures with labels, the same with several right ones and small pools, and a task of texts without labels."""
    ids = make_labelled().candidate_ids
    several = {f"q{at:02d}": {ids[at - at % 3 + more]: 1 for more in range(3)} for at in range(24)}
    pools = {query: [*right, *[one for one in ids if one not in right][:9]] for query, right in several.items()}
    texts = make_labelled(
        name="texts", labels={}, candidates=[Content(text=f"word {at}.") for at in range(24)], candidate_modality=Modality.TEXT
    )
    return {"one": make_labelled(), "several": make_labelled(relevance=several, pools=pools, metrics=("recall@1",)), "texts": texts}


@pytest.fixture
def result(tasks, encoder, tmp_path):
    return audit(encoder, Suite(SuiteConfig(name="toy", tasks=tasks)), OPTIONS, "some/<run>", tmp_path)


def test_recall_and_shares_are_those_counted_by_hand(tasks, encoder, result):
    assert [task.name for task in result.tasks] == ["one", "several"]
    for found in result.tasks:
        task = tasks[found.name]
        queries, candidates = embed_contents(encoder, task.queries), embed_contents(encoder, task.candidates)
        (colour,) = found.attributes
        judged = judge_task(task, queries, candidates)
        for k, parity, skew in zip(OPTIONS.ks, colour.parity, colour.skew, strict=True):
            hits, top = {"red": [], "blue": []}, []
            for row, query in enumerate(task.query_ids):
                for name, rank in zip(task.relevant[query], judged[query].ranks, strict=True):
                    hits[task.labels[name]["colour"]].append(rank <= k)
                pool = task.pools[query] if task.pools else task.candidate_ids
                scores = {name: float(queries[row] @ candidates[task.candidate_ids.index(name)]) for name in pool}
                top += sorted(pool, key=lambda name: (np.float32(scores[name]), name), reverse=True)[:k]
            assert {group.group: group.value for group in parity.groups} == pytest.approx(
                {name: np.mean(seen) for name, seen in hits.items()}
            )
            of_blue = np.mean([task.labels[name]["colour"] == "blue" for name in top])
            (blue,) = (group for group in skew.groups if group.group == "blue")
            assert blue.top == pytest.approx(of_blue) and blue.pool == pytest.approx(1 / 3)
            assert blue.skew == pytest.approx(math.log(of_blue * 3)) if of_blue else blue.skew == -math.inf


def test_hits_of_the_wrong_modality_are_counted_in_one_pool(tasks, encoder, result):
    task = tasks["one"]
    sides = [*task.candidates, *tasks["texts"].candidates]  # the pictures of both tasks are the same
    order = (embed_contents(encoder, task.queries) @ embed_contents(encoder, sides).T).argsort(dim=1, descending=True)[:, :10]
    wrong = (order >= 24).double().mean(dim=1)
    assert result.tasks[0].wrong_modality == pytest.approx(float(wrong.mean())) and result.tasks[0].wrong_by_chance == 0.5
    blue = result.tasks[0].attributes[0].wrong_modality.groups[1]
    assert blue.value == pytest.approx(float(wrong[1::3].mean())) and blue.num == 8
    assert result.tasks[1].attributes[0].wrong_modality is None  # its queries look for both


def test_an_association_of_the_same_candidates_is_told_once(result):
    (warmth,) = result.tasks[0].associations
    assert (warmth.name, warmth.groups, warmth.words, warmth.found.num) == ("warmth", ("red", "blue"), ("warm", "cold"), (16, 8))
    assert warmth.found.is_paired and result.tasks[1].associations == ()


def test_the_files_hold_all_of_it(result, tmp_path):
    read = json.loads((tmp_path / "audit.json").read_text())
    assert read["tasks"][0]["attributes"][0]["parity"][0]["groups"][1]["value"] == result.tasks[0].attributes[0].parity[0].groups[1].value
    assert "Infinity" not in (tmp_path / "audit.json").read_text()
    page = (tmp_path / "audit.html").read_text()
    assert page == render_page(result) and headline(result) in page and "some/&lt;run&gt;" in page
    assert "http" not in page and "<script" not in page


def test_tables_say_what_they_are_of(result):
    page = render_page(result)
    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    assert len(tables) == 6 and all("<caption>" in table for table in tables)
    assert not re.findall(r"<th(?! scope=)[ >]", page)
    assert all(line in page for line in ("MaxSkew@1", "told apart", "by chance"))


@needs_browser
def test_a_narrow_browser_has_nothing_to_scroll_to_at_the_side(result, tmp_path):
    _, (scroll, client, *_) = browse(tmp_path / "audit.html", 390, tmp_path / "shot.png")
    assert scroll <= client == 390


def test_numbers_in_words():
    assert [points(value) for value in (0.015, -0.0149, 0.0001)] == ["+1.5", "\u22121.5", "0.0"]
    assert logs(-math.inf) == "never" and logs(-0.126) == "\u22120.13" and place(0.6, 0.5) == "100.00%"


def test_tasks_of_one_modality_have_no_wrong_one(make_labelled, encoder, tmp_path):
    found = audit(encoder, Suite(SuiteConfig(name="toy", tasks={"one": make_labelled()})), AuditOptions(num_resamples=100), "run", tmp_path)
    assert found.tasks[0].wrong_modality is None and "of another modality" not in (tmp_path / "audit.html").read_text()
