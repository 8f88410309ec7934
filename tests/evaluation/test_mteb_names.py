import sys

import pytest

from unite.errors import ConfigError
from unite.evaluation.mteb_names import asked_for

mteb = pytest.importorskip("mteb")

#: Those that docs/benchmarks.md names.
DOCUMENTED = ["MVEB(v1)", "MVEB(text, video, v1)", "MVEB(video, v1)", "ViDoRe(v1)", "ViDoRe(v2)", "ViDoRe(v3)", "ViDoRe(v3.1)"]
DOCUMENTED += ["MIEB(eng)", "MIEB(lite)", "MIEB(Img)", "MIEB(Multilingual)"]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_benchmarks_that_the_docs_name_are_mteb_s(name):
    asked = asked_for(name)
    assert asked.benchmark is mteb.get_benchmark(name) and asked.name == name
    assert list(asked.tasks) == list(mteb.get_benchmark(name).tasks)


def test_an_alias_is_the_benchmark_that_it_stands_for_and_a_task_is_itself():
    assert asked_for("MVEB") == asked_for("MVEB(v1)")
    one = asked_for("STS17", ["deu"])
    assert (one.name, one.benchmark, [task.hf_subsets for task in one.tasks]) == ("STS17", None, [["en-de"]])


def test_a_name_that_is_none_is_told_with_the_close_ones_first():
    with pytest.raises(ConfigError, match=r"one of the \d+ tasks or \d+ benchmarks of mteb, but is 'sts-12'\. Near it: STS12,"):
        asked_for("sts-12")
    with pytest.raises(ConfigError, match=r"'ViDoRe\(v4\)'\. Near it: ViDoRe\(v3\), .*\. Benchmarks beside: BEIR, .*MIEB\(eng\)"):
        asked_for("ViDoRe(v4)")
    with pytest.raises(ConfigError, match=r"'qqqqqqqqqq'\. Benchmarks: BEIR, .*ViDoRe\(v3\).*\. mteb.get_tasks\(\) lists the tasks\."):
        asked_for("qqqqqqqqqq")
    for entry in (5, None):
        with pytest.raises(ConfigError, match=f"an entry of suite.tasks must be the name of a task or benchmark .* but is {entry}"):
            asked_for(entry)


def test_languages_that_are_none_are_told():
    with pytest.raises(ConfigError, match=r"suite.languages must be at least one, or null for all, but is \[\]"):
        asked_for("STS17", [])
    with pytest.raises(
        ConfigError, match=r"suite.languages must be ISO 639-3 codes of STS17, .* but is \['zzz'\]\. \(Invalid language code: zzz"
    ):
        asked_for("STS17", ["zzz"])
    with pytest.raises(ConfigError, match=r"suite.languages must be null for a benchmark, but is \['deu'\]\. ViDoRe\(v2\) says itself"):
        asked_for("ViDoRe(v2)", ["deu"])


def test_without_mteb_the_error_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(ConfigError, match=r"pip install 'unite\[mteb\]'"):
        asked_for("STS12")
