import json

from tests.comparison.material import compared, make_suite
from unite.comparison.markdown import render_markdown
from unite.comparison.page import render_page
from unite.comparison.searches import SEARCH, find_searches

RECORD = {
    "trials": [{"state": "complete"}, {"state": "fail"}, {"state": "complete"}],
    "best": {"folder": "trial-002", "score": 0.625, "options": {"mixture.shares.t2i": "0.7"}},
    "matters": [
        {"option": "mixture.shares.t2i", "importance": 0.756, "rises": 0.5},
        {"option": "objective", "importance": 0.1, "rises": None},
    ],
}


def test_the_pages_show_what_a_search_found(tmp_path, write_run):
    recipes, suites = compared(write_run("trial-000", make_suite()))
    (tmp_path / SEARCH).write_text(json.dumps(RECORD))
    (search,) = find_searches([tmp_path / "trial-000", tmp_path / "trial-002"])
    assert search.name == tmp_path.name and search.states == {"complete": 2, "fail": 1}
    assert search.told == "Trials: 2 complete, 1 fail. The best is trial-002, score 62.5: mixture.shares.t2i=0.7."
    text = render_markdown(recipes, suites, [])
    assert search.told in text and "| `mixture.shares.t2i` | 76 | +0.50 |" in text and "| `objective` | 10 | - |" in text
    page = render_page(recipes, suites, [])
    assert search.told in page and 'value="0.756"' in page


def test_runs_of_no_search_and_a_broken_record_show_none(tmp_path, write_run):
    recipes, suites = compared(write_run("a", make_suite()))
    assert "The search" not in render_page(recipes, suites, [])
    for broken in ("{", "{}", '{"trials": 3, "best": null, "matters": []}'):
        (tmp_path / SEARCH).write_text(broken)
        assert find_searches([tmp_path / "a"]) == []
    assert "The search" not in render_page(recipes, suites, [])
