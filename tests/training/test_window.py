"""A window's means against plain sums over its terms, written out one by one."""

from statistics import mean

import pytest
import torch

from tests.objective.pools import IMAGE, TEXT, VIDEO, relations_of
from tests.training.ranks import in_ranks, part
from tests.training.toy import batch_of, examples, seeded_encoder
from unite.batch import Batch, MicroBatch
from unite.config.schema import MAMCLConfig, MatryoshkaConfig
from unite.objective import MAMCL, Matryoshka, ObjectiveOutput, Terms
from unite.training.step import ContrastiveStep, StepOutput
from unite.training.window import Window

NAMES = ("source", "query", "positive", "loss", "similarity", "hardest", "negatives")
#: Two steps, a line a term.
STEPS = [
    [("a", TEXT, IMAGE, 3.0, 0.5, 0.4, 7), ("b", TEXT, IMAGE, 1.0, 0.2, 0.4, 7), ("a", IMAGE, TEXT, 2.0, 0.4, 0.1, 5)],
    [("b", TEXT, TEXT | VIDEO, 0.0, 0.9, float("-inf"), 0), ("b", IMAGE, TEXT, 5.0, 0.3, 0.3, 5)],
]


def step_of(lines, num_tokens=4):
    """A step whose terms are those lines."""
    columns = dict(zip(NAMES, zip(*lines, strict=True), strict=True))
    places = torch.arange(len(lines))
    values = [torch.tensor(columns[name], dtype=torch.float32) for name in ("loss", "similarity", "hardest", "negatives")]
    terms = Terms(places, torch.tensor(columns["query"]), torch.tensor(columns["positive"]), *values)
    relations = relations_of(places.tolist(), [[place] for place in places.tolist()], [TEXT] * len(lines))
    tokens = torch.ones(len(lines), num_tokens, dtype=torch.int64)
    mask = tokens.clone()
    mask[0, 1:] = 0
    batch = Batch([MicroBatch(places, tokens, tokens, mask)], relations, [""] * len(lines), list(columns["source"]))
    output = ObjectiveOutput(values[0].mean(), terms, torch.tensor(0.1), {"loss_dim_4": values[0].mean() / 2})
    return batch, StepOutput(output, torch.empty(len(lines), 4), relations)


def filled(steps=STEPS):
    window = Window(["a", "b", "never"])
    for place, lines in enumerate(steps):
        window.add(*step_of(lines), torch.tensor(1.0 + place))
    return window


def losses(**wanted):
    """The losses of the terms that are as wanted, over all steps."""
    terms = [dict(zip(NAMES, line, strict=True)) for lines in STEPS for line in lines]
    return [term["loss"] for term in terms if all(term[name] == value for name, value in wanted.items())]


def test_a_step_that_was_not_taken_has_no_norm():
    window = filled(STEPS[:1])
    window.add(*step_of(STEPS[1]), torch.tensor(torch.inf))
    assert window.close().means["gradient_norm"] == 1.0
    window.add(*step_of(STEPS[1]), torch.tensor(torch.nan))
    assert "gradient_norm" not in window.close().means


def test_means_are_plain_sums_over_steps_and_terms():
    window = filled()
    assert window.num_steps == 2
    found = window.close()
    means = found.means
    assert means["loss"] == pytest.approx((2.0 + 2.5) / 2) and means["loss_dim_4"] == pytest.approx((2.0 + 2.5) / 4)
    assert means["gradient_norm"] == 1.5
    assert means["accuracy"] == 3 / 5  # the tie does not count
    assert means["share_without_negatives"] == pytest.approx(1 / 5) and means["num_negatives"] == 24 / 5
    assert means["positive_similarity"] == pytest.approx((0.5 + 0.2 + 0.4 + 0.9 + 0.3) / 5)
    assert means["hardest_negative"] == pytest.approx((0.4 + 0.4 + 0.1 + 0.3) / 4)
    for source in "ab":
        assert means[f"source/{source}/loss"] == pytest.approx(mean(losses(source=source)))
    assert (means["source/a/accuracy"], means["source/b/accuracy"]) == pytest.approx((1.0, 1 / 3))
    assert (means["source/a/samples_share"], means["source/b/samples_share"]) == (pytest.approx(0.4), pytest.approx(0.6))
    assert means["source/never/samples_share"] == 0 and "source/never/loss" not in means
    pairs = {"text-to-image": (TEXT, IMAGE), "image-to-text": (IMAGE, TEXT), "text-to-text+video": (TEXT, TEXT | VIDEO)}
    assert {name for name in means if name.startswith("loss/")} == {f"loss/{pair}" for pair in pairs}
    for pair, (query, positive) in pairs.items():
        assert means[f"loss/{pair}"] == pytest.approx(mean(losses(query=query, positive=positive)))
    assert means["accuracy/text-to-image"] == means["accuracy/image-to-text"] == 0.5
    assert (found.num_rows, found.num_contents, found.num_tokens, found.num_padded_tokens) == (5, 5, 14, 20)


def test_a_window_begins_with_nothing():
    window = filled()
    first = window.close()
    assert window.close() is None and window.num_steps == 0
    for place, lines in enumerate(STEPS):
        window.add(*step_of(lines), torch.tensor(1.0 + place))
    assert window.close() == first


ROWS = 17  # not a multiple of the ranks


def run(rows):
    """The window of two steps on these rows, one with cached gradients and one without."""
    torch.manual_seed(0)
    objective = Matryoshka(MatryoshkaConfig(objective=MAMCL(MAMCLConfig(temperature=0.1)), dims=[4, 8]))
    window = Window(["toy", "other"])
    for graph_tokens in (1, 10_000):
        batch = batch_of(rows)
        batch.sources = ["other" if int(key[3:]) % 4 == 0 else "toy" for key in batch.keys]
        window.add(batch, ContrastiveStep(seeded_encoder(), objective, graph_tokens)(batch, torch.Tensor.backward), torch.tensor(2.0))
    return window.close()


def run_of_rank(rank, num_ranks):
    return vars(run(part(examples(ROWS), rank, num_ranks)))


def test_the_means_of_two_ranks_are_those_of_one_process(tmp_path):
    expected = run(examples(ROWS))
    for found in in_ranks(run_of_rank, 2, tmp_path, 2):
        assert found["means"] == pytest.approx(expected.means, rel=1e-5)
        assert found["num_rows"] == expected.num_rows == 2 * ROWS
        assert found["num_tokens"] >= expected.num_tokens  # what both ranks hold is encoded by both
    assert {"loss_dim_4", "source/toy/loss", "source/other/samples_share", "loss/text-to-text", "hardest_negative"} <= set(expected.means)
