from dataclasses import replace

import pytest

from tests.comparison.material import compared, make_config, make_suite, some_failures
from unite.comparison.cards import failed_tasks, not_recorded, room


def test_a_card_has_the_query_the_right_one_and_what_came_first(everything):
    recipes, (suite,) = everything
    tasks = failed_tasks(suite, recipes)
    assert [(task.name, task.pair, len(task.cards)) for task in tasks] == [("t2i", "text->image", 2), ("it2v", "text+image->video", 2)]
    card, found = tasks[0].cards[1], some_failures()
    assert (card.run, card.query) == ("bold_seed0", "q1")
    query, right = card.asked
    assert (query.kind, query.preview) == ("query", found.queries["q1"])
    assert (right.kind, right.label, right.preview) == ("right", "right one, rank 17", found.candidates["c9"])
    assert [(hit.name, hit.label) for hit in card.hits] == [("c0", "1. 0.90"), ("c1", "2. 0.80"), ("c2", "3. 0.70"), ("c3", "4. 0.60")]
    assert {hit.kind for hit in card.hits} == {"wrong"}


def test_a_hit_that_is_right_is_marked(write_run):
    failures = some_failures()
    failures = replace(failures, failures=(replace(failures.failures[0], right=("c9", "c2")),))
    recipes, (suite,) = compared(write_run("a", make_suite(), failures={"t2i": failures}))
    assert [hit.kind for hit in failed_tasks(suite, recipes)[0].cards[0].hits] == ["wrong", "wrong", "right", "wrong"]


def test_the_rank_of_the_right_one_in_the_other_recipes(everything):
    recipes, (suite,) = everything
    for task in failed_tasks(suite, recipes):
        ranks = [recipe.runs[0].suites["emoji"].tasks[task.name].judged["q1"].ranks[0] for recipe in recipes]
        assert [card.elsewhere for card in task.cards] == [(("bold_seed0", ranks[1]),), (("base", ranks[0]),)]


def test_one_task_is_open_the_first_that_has_pictures(write_run):
    found = some_failures()
    bare = replace(
        found,
        queries={name: replace(one, pictures=()) for name, one in found.queries.items()},
        candidates={name: replace(one, pictures=()) for name, one in found.candidates.items()},
    )
    for failures, opened in (({"t2i": bare, "i2t": found, "it2v": found}, "i2t"), ({"t2i": bare, "i2t": bare}, "t2i")):
        recipes, (suite,) = compared(write_run(opened, make_suite(), failures=failures))
        tasks = failed_tasks(suite, recipes)
        assert [task.name for task in tasks] == list(failures)
        assert [task.name for task in tasks if task.opened] == [opened]


@pytest.mark.parametrize(("recipes", "each"), [(1, 4), (2, 3), (3, 2), (7, 1)])
def test_many_recipes_share_the_cards(write_run, recipes, each):
    found = some_failures()
    failures = {"t2i": replace(found, failures=found.failures * 9)}
    folders = [write_run(f"r{at}", make_suite(), config=make_config(0, optimizer={"lr": at}), failures=failures) for at in range(recipes)]
    recipes, (suite,) = compared(*folders)
    assert len(failed_tasks(suite, recipes)[0].cards) == each * len(recipes)


def test_a_video_takes_the_room_of_several_pictures():
    assert [room(name) for name in ("video", "image", "one of a later version")] == ["strip", "still", "still"]


def test_a_run_without_failures_is_named(write_run):
    with_them = write_run("a", make_suite(), failures={"t2i": some_failures()})
    recipes, (suite,) = compared(with_them, write_run("b", make_suite(), config=make_config(0, optimizer={})))
    assert not_recorded(suite, recipes) == ["b"]
    assert [card.run for card in failed_tasks(suite, recipes)[0].cards] == ["a"]
