"""A pool that lies in several ranks against the same pool in one process, for every option."""

import random
from itertools import accumulate, pairwise, product

import pytest
import torch
from torch import nn

from tests.objective.pools import relations_of, unit
from tests.training.ranks import in_ranks
from unite.batch import Relations
from unite.config.schema import InfoNCEConfig, MAMCLConfig, MatryoshkaConfig
from unite.errors import TrainingError
from unite.objective import MAMCL, InfoNCE, Matryoshka, comparison
from unite.training import pool
from unite.training.pool import share_pool

RANKS, DIM = 3, 6
BOOLEANS = (False, True)
#: Of all combinations of options every seventh, so that each value meets each other.
OPTIONS = [
    {
        "symmetric": symmetric,
        "query_query": query_query,
        "candidate_candidate": candidate_candidate,
        "false_negative_margin": margin,
        "margin_spares_hand_made": spares,
        "hardness": hardness,
        "hardness_on": on,
        "modality_weights": {"text": 2.0, "text+image": 0.25} if query_query else {},
        "temperature": 0.03 if symmetric else 0.5,
        "learnable_temperature": True,
    }
    for symmetric, query_query, candidate_candidate, (margin, spares), (hardness, on) in product(
        BOOLEANS, BOOLEANS, BOOLEANS, [(None, True), (0.05, True), (0.05, False)], [(0.0, "all"), (9.0, "all"), (9.0, "hand_made")]
    )
][::7]


class Whole(nn.Module):
    """An objective of one's own, which knows nothing of ranks."""

    def __init__(self):
        super().__init__()
        self.objective = MAMCL(MAMCLConfig(temperature=0.1, symmetric=True, learnable_temperature=True))

    def forward(self, embeddings, relations, rows=None):
        return self.objective(embeddings, relations, rows)


def matryoshka(**options):
    return Matryoshka(MatryoshkaConfig(objective=InfoNCE(InfoNCEConfig(**options)), dims=[2, 4, 6], weights=[0.5, 1.0, 2.0]))


def cases():
    """Each objective of each case, and its pool."""
    makers = [lambda **more: InfoNCE(InfoNCEConfig(**more)), lambda **more: MAMCL(MAMCLConfig(**more)), matryoshka]
    for seed, options in enumerate(OPTIONS):
        yield makers[seed % 3](**options), *apart(seed)
    yield Whole(), *apart(1000)


def apart(seed):
    """A pool with all that can occur: contents that several ranks hold, groups, a rank of hardly anything; and where each rank begins."""
    draw = random.Random(seed)
    contents = [draw.choice([3, 4, 9]) for _ in range(RANKS)]
    rows = [draw.choice([1, 5]) for _ in range(RANKS)]
    starts, num = [0, *accumulate(contents)], sum(contents)
    spans = [range(*span) for span, count in zip(pairwise(starts), rows, strict=True) for _ in range(count)]

    def some(least, most):
        return [draw.choices(span, k=draw.randint(least, most)) for span in spans]

    fingerprint = [draw.randrange(num + 4) for _ in range(num)]
    modality = [draw.choice([1, 2, 3]) for _ in range(num + 4)]
    group = [draw.randrange(2 * num) for _ in range(num + 4)]
    query = [one for (one,) in some(1, 1)]
    of_each = ([table[one] for one in fingerprint] for table in (modality, range(2**40, 2**40 + num + 4), group))
    kinds, fingerprints, groups = of_each
    relations = relations_of(query, some(1, 3), kinds, some(0, 3), fingerprints, groups)
    return relations, starts, [0, *accumulate(rows)]


def of_rank(relations, starts, rows, rank):
    """The relations of a rank alone, as it has them before it knows of the others."""
    contents, own = slice(*starts[rank : rank + 2]), slice(*rows[rank : rank + 2])

    def moved(index):
        return torch.where(index >= 0, index - contents.start, -1)

    of_rows = (moved(one[own]) for one in (relations.query, relations.positive, relations.negative))
    return Relations(*of_rows, relations.modality[contents], relations.fingerprint[contents], relations.identity[contents])


def found_by_rank(rank):
    comparison.CHUNK_ON_CPU, pool.PIECE_ON_CPU = 7, 4 * DIM  # a few terms, four contents
    found = []
    for case, (objective, relations, starts, rows) in enumerate(cases()):
        own = unit(starts[-1], DIM, case)[slice(*starts[rank : rank + 2])].clone()
        shared = share_pool(own, of_rank(relations, starts, rows, rank), whole=not getattr(objective, "takes_exchange", False))
        more = {} if shared.exchange is None else {"exchange": shared.exchange}
        output = objective(shared.embeddings.requires_grad_(), shared.relations, shared.rows, **more)
        output.loss.backward()
        terms = {name: value for name, value in vars(output.terms).items() if name != "row"}
        temperature = torch.stack([one.grad for one in objective.parameters()])
        found.append((output.loss.detach(), shared.own_gradient(), temperature, terms, len(shared.embeddings)))
    return found


def test_every_option_gives_loss_gradients_and_terms_of_one_process(tmp_path):
    by_rank = in_ranks(found_by_rank, RANKS, tmp_path)
    num_lent = 0
    for case, (objective, relations, starts, _) in enumerate(cases()):
        parts = [found[case] for found in by_rank]
        embeddings = unit(starts[-1], DIM, case).requires_grad_()
        output = objective(embeddings, relations)
        output.loss.backward()
        largest = float(embeddings.grad.abs().max())
        told = f"case {case}"
        torch.testing.assert_close(sum(part[0] for part in parts), output.loss.detach(), rtol=1e-5, atol=1e-6, msg=told)
        torch.testing.assert_close(torch.cat([part[1] for part in parts]), embeddings.grad, rtol=1e-5, atol=1e-5 * largest, msg=told)
        temperature = torch.stack([one.grad for one in objective.parameters()])
        torch.testing.assert_close(sum(part[2] for part in parts), temperature, rtol=1e-4, atol=1e-5, msg=told)
        for name, expected in vars(output.terms).items():
            if name != "row":
                torch.testing.assert_close(torch.cat([part[3][name] for part in parts]), expected, rtol=1e-5, atol=1e-5, msg=told)
        held = [part[4] for part in parts]
        if isinstance(objective, Whole):
            assert held == [starts[-1]] * RANKS
        else:
            assert held == [end - start for start, end in pairwise(starts)]
            num_lent += relations.fingerprint.unique().numel() < starts[-1]
    assert num_lent > 8  # contents that several hold are in most of them


def test_embeddings_must_be_those_of_the_rank():
    class Exchange:
        starts, rank = (0, 2, 7), 1

    relations = relations_of([0, 2], [[1], [3]], [1] * 7)
    with pytest.raises(TrainingError, match=r"the shape of the embeddings must be \(5, D\), a row a content, but is \(7, 4\)"):
        InfoNCE()(unit(7, 4, 0), relations, torch.tensor([1]), Exchange())
