from dataclasses import replace

import numpy as np
import pytest

from tests.curation.material import collection, row, unit
from tests.curation.steps.material import embed
from tests.media.material import image_medium, photograph
from unite.curation.raw import RawContent
from unite.curation.steps.hard_negatives import HardNegatives
from unite.errors import ConfigError


def test_hard_negatives_against_a_plain_loop():
    rng = np.random.default_rng(0)
    queries, positives = unit(*rng.normal(size=(40, 4))), unit(*rng.normal(size=(40, 4)))
    positives = unit(*(positives + 1.5 * queries))
    positives[7] = positives[3]
    rows = [row(f"query {min(at, 38)}", f"answer {3 if at == 7 else at}") for at in range(40)]  # 38 and 39 share a query; 3 and 7 an answer
    queries[39] = queries[38]
    step = HardNegatives(embed, num_negatives=3, first_rank=2, last_rank=6, max_share_of_positive=0.9, max_positive_cosine=0.8)
    mined = step.judge_set(collection(rows, (queries, positives))).negatives
    for at in range(40):
        answers = {3 if other == 7 else other for other in range(40) if rows[other].query == rows[at].query}
        wrong = [other for other in range(40) if other != 7 and other not in answers]
        window = sorted(wrong, key=lambda other: (-(queries[at] @ positives[other]), other))[1:6]
        own = queries[at] @ positives[at]
        kept = [other for other in window if queries[at] @ positives[other] <= 0.9 * own and positives[at] @ positives[other] <= 0.8]
        assert mined.get(at, []) == kept[:3], at
    assert len(mined) > 10 and 39 not in mined.get(38, []) and 7 not in {one for found in mined.values() for one in found}


def test_hard_negatives_are_of_the_positives_modality():
    rows = [row(f"q{at}", f"p{at}") for at in range(3)] + [
        row(f"i{at}", "", positive_media=[image_medium(photograph(at))]) for at in range(3)
    ]
    vectors = unit(*np.random.default_rng(1).normal(size=(6, 3)))
    mined = HardNegatives(embed, max_share_of_positive=1, max_positive_cosine=1).judge_set(collection(rows, (vectors, vectors))).negatives
    assert mined[0] and all((other < 3) == (at < 3) for at, found in mined.items() for other in found)


def test_hard_negatives_are_not_of_the_rows_group():
    groups = ["g", "g", "", "h"]
    rows = [replace(row(f"q{at}", f"p{at}"), positives=(RawContent(f"p{at}", group=group),)) for at, group in enumerate(groups)]
    vectors = unit([1, 0], [1, 0.1], [1, 0.2], [1, 0.3])
    step = HardNegatives(embed, max_share_of_positive=1, max_positive_cosine=1, last_rank=2)
    assert step.judge_set(collection(rows, (vectors, vectors))).negatives == {0: [2, 3], 1: [2, 3], 2: [3, 1], 3: [2, 1]}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HardNegatives(embed, num_negatives=0), "hard_negatives.num_negatives must be at least 1"),
        (lambda: HardNegatives(embed, first_rank=5, last_rank=4), r"hard_negatives.first_rank must be from 1 to last_rank \(4\), but is 5"),
        (lambda: HardNegatives(embed, max_positive_cosine=0), "hard_negatives.max_positive_cosine must be above 0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
