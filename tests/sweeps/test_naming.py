import pytest

from unite.sweeps.naming import differences, folder_names, told


def test_what_is_the_same_in_all_jobs_names_none_and_the_seed_comes_last():
    jobs = [{"experiment": "a", "seed": seed, "mixture": mixture} for seed in "01" for mixture in ("tt", "ti")]
    assert differences(jobs)[1] == {"mixture": "ti", "seed": "0"}
    assert [told(job) for job in differences(jobs)][:2] == ["mixture=tt seed=0", "mixture=ti seed=0"]
    assert folder_names(differences(jobs)) == ["mixture-tt_seed-0", "mixture-ti_seed-0", "mixture-tt_seed-1", "mixture-ti_seed-1"]


def test_an_option_that_one_job_lacks_differs():
    assert differences([{"a": "1"}, {"a": "1", "b": "2"}]) == [{}, {"b": "2"}]


@pytest.mark.parametrize(
    ("jobs", "names"),
    [
        ([{"trainer.max_steps": "5"}, {"trainer.max_steps": "6"}], ["max_steps-5", "max_steps-6"]),
        ([{"a.lr": "1", "b.lr": "1"}, {"a.lr": "2", "b.lr": "1"}], ["a.lr-1_b.lr-1", "a.lr-2_b.lr-1"]),
        ([{"x": "[a, b]"}, {"x": "a b"}, {"x": "a,b"}], ["x-a-b", "x-a-b-2", "x-a-b-3"]),
        ([{}], ["job"]),
    ],
)
def test_names_are_short_different_and_need_no_quotes(jobs, names):
    assert folder_names(jobs) == names


def test_a_name_too_long_keeps_every_option_and_tells_its_values_apart():
    jobs = [{"mixture": f"{'a' * 300}{number}", "optimizer.name": "b" * 100, "seed": str(number)} for number in range(3)]
    names = folder_names(jobs)
    assert len(set(names)) == 3 and max(map(len, names)) <= 200
    assert all(
        name.startswith("mixture-aaa") and "name-bbb" in name and name.endswith(f"seed-{number}") for number, name in enumerate(names)
    )
