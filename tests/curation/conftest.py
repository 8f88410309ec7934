"""A small curated set with texts, images and a video, and the datasheet of a set of many sources."""

import pytest

from tests.curation.material import Rows, row
from tests.media.material import clip, image_medium, photograph, video_medium
from unite.curation.pipeline import Curation
from unite.curation.records import Funnel
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.text_length import TextLength


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The datasheet of the set, and its folder."""
    out = tmp_path_factory.mktemp("sets") / "set"
    rows = [row("one two <three>", f"answer {at}") for at in range(5)]
    rows += [row("one two three", "", positive_media=[image_medium(photograph(at, 100 + at, 100))]) for at in range(3)]
    rows += [row("a clip of it", "", positive_media=[video_medium(clip(20, 10))]), row("short", "no"), rows[0]]
    recipe = Rows(rows, "one <source>")
    steps = [TextLength(min_words=2), ExactDuplicates()]
    sheet = Curation([recipe], steps, out=out, workers=1, progress=False, seed=3, samples_per_shard=2, config={"a": "<b>"}).run()
    return sheet, out


def _funnels():
    """Fifteen sources of very different size; the steps that drop rows are more than there are colours."""
    steps = ["read", "text_length", "language", "image_size", "media", *(f"step_{at}" for at in range(7))]
    for at in range(15):
        funnel = Funnel(0 if at == 4 else 10 ** (2 + at % 5) + at)
        for number, step in enumerate(steps):
            if funnel.num_rows and (at + number) % 3 == 0:
                funnel.dropped[step, f"reason <{number}>"] = 3 + number
        yield f"source_{at}" if at else "a source with a long name <script> of somebody", funnel.steps(steps), funnel


@pytest.fixture(scope="module")
def many(made):
    """The datasheet of fifteen sources."""
    named = {name: (steps, funnel) for name, steps, funnel in _funnels()}
    order = [step["step"] for step in next(iter(named.values()))[0]]
    total = Funnel.total(funnel for _, funnel in named.values()).steps(order)
    sources = {name: {"in": steps[0]["in"], "out": steps[-1]["out"], "funnel": steps} for name, (steps, _) in named.items()}
    folders = {f"{name}/text-to-image": next(iter(made[0]["folders"].values())) for name in named}
    plan = made[0]["plan"] | {"recipes": [{"name": name} for name in named]}
    return made[0] | {"funnel": total, "sources": sources, "folders": folders, "plan": plan}
