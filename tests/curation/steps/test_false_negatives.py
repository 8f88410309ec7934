import numpy as np
import pytest

from tests.curation.material import collection, row, unit
from tests.curation.steps.material import embed
from tests.media.material import image_medium
from unite.curation.steps.false_negatives import FalseNegatives
from unite.errors import ConfigError


def test_false_negatives_are_grouped_around_a_leader():
    angles = [0, 5, 10, 90, 94, 200]  # degrees; cos 8 = 0.9903
    positives = np.array([[np.cos(np.radians(one)), np.sin(np.radians(one))] for one in angles], np.float32)
    rows = [row(positive=f"text {at}") for at in range(6)]
    verdict = FalseNegatives(embed, min_cosine=float(np.cos(np.radians(8)))).judge_set(collection(rows, (positives, positives)))
    # 10 is near 5, but 5 follows 0: likeness does not chain
    assert verdict.groups == {0: "false_negatives/s/0", 1: "false_negatives/s/0", 3: "false_negatives/s/3", 4: "false_negatives/s/3"}
    mixed = [row(positive="a"), row(positive="", positive_media=[image_medium()])]
    same = unit([1, 0], [1, 0])
    assert not FalseNegatives(embed).judge_set(collection(mixed, (same, same))).groups  # of another modality


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FalseNegatives(embed, min_cosine=0), "false_negatives.min_cosine must be above 0"),
        (lambda: FalseNegatives(embed, num_neighbours=0), "false_negatives.num_neighbours must be at least 1"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
