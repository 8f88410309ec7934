"""Run folders as training and evaluation leave them, with ranks that a test chooses; and a page as a reader's browser takes it."""

import json
from html.parser import HTMLParser

import numpy as np
import yaml

from unite.comparison.compare import compare
from unite.comparison.evaluated_runs import group_runs, load_runs
from unite.evaluation.failures_file import Failure, TaskFailures, failures_to_json
from unite.evaluation.find_failures import preview
from unite.evaluation.metrics import Judged
from unite.evaluation.results import SuiteResult, TaskResult, write_metrics
from unite.media.preview import Preview
from unite.types import Content, Medium, Modality

PAIRS = {"t2i": "text->image", "i2t": "image->text", "it2v": "text+image->video"}


def make_config(seed=0, **changes):
    return {
        "name": "stage2",
        "seed": seed,
        "run_folder": f"runs/{seed}",
        "mixture": {"sources": {"ti": {"shards": "a"}, "tv": {"shards": "b"}}},
        "objective": {"_target_": "unite.objective.MAMCL", "temperature": 0.05},
        "encoder": {"checkpoint": {"seed": seed}},  # as the built-in one has it
        "optimizer": {"lr": 0.001},
        "alignment": {"max_steps": 0},
        "adaptation": {"max_steps": 300},
        **changes,
    }


def make_task(ranks, pair="text->image", kind="pair", metrics=("recall@1", "recall@5", "mrr"), data="", pool=50):
    judged = {f"q{at}": Judged((int(rank),), (1,)) for at, rank in enumerate(ranks)}
    pools = (pool,) * len(judged)
    return TaskResult.of_ranks(judged, metrics, pair=pair, kind=kind, num_candidates=pool, pool_sizes=pools, data=data)


def random_ranks(num, share_right, seed):
    random = np.random.default_rng(seed)
    return np.where(random.random(num) < share_right, 1, random.integers(2, 40, num))


def make_suite(share_right=0.5, seed=0, num=60, name="emoji", **tasks):
    made = {task: make_task(random_ranks(num, share_right, seed + at), pair) for at, (task, pair) in enumerate(PAIRS.items())}
    return SuiteResult(name, {**made, **tasks})


def some_failures():
    picture = Medium(Modality.IMAGE, np.full((1, 40, 40, 3), 90, np.uint8), 1)
    clip = Medium(Modality.VIDEO, np.linspace(0, 250, 6 * 30 * 40 * 3).reshape(6, 30, 40, 3).astype(np.uint8), 2, tuple(range(6)))
    hits = tuple((f"c{at}", 0.9 - at / 10) for at in range(5))
    candidates = {name: preview(Content(media=(clip,))) for name, _ in hits} | {"c9": preview(Content(media=(picture,)))}
    queries = {"q1": Preview("a <b>cat</b> & a hat", "Find it.", preview(Content(media=(picture,))).pictures)}
    return TaskFailures((Failure("q1", 17, ("c9",), hits),), queries, candidates)


def write_run(folder, *suites, config=None, failures=None, provenance=None):
    """Writes the folder of a run evaluated on the suites, and returns it."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config or make_config()))
    if provenance:
        (folder / "provenance.json").write_text(json.dumps(provenance))
    for suite in suites:
        (folder / f"{suite.name}.json").write_text(suite.to_json())
        if failures:
            (folder / f"{suite.name}_failures.json").write_text(failures_to_json(suite.name, failures))
    if suites:
        write_metrics(folder / "metrics.json", *suites)
    return folder


def compared(*folders):
    """The recipes of the runs, given as on the command line, and their suites."""
    recipes, _ = group_runs(load_runs(list(map(str, folders))))
    return recipes, compare(recipes)


class Page(HTMLParser):
    """A page read: its tags with their attributes and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag, name=None):
        """The attributes of all tags of a name, and of a class."""
        return [attributes for found, attributes in self.tags if found == tag and name in (None, *attributes.get("class", "").split())]
