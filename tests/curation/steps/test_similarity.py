import numpy as np
import pytest

from tests.curation.material import collection, row, unit
from tests.curation.steps.material import drops, embed
from tests.media.material import image_medium, photograph
from unite.curation.steps.similarity import Similarity
from unite.errors import ConfigError


def test_similarity_drops_the_least_aligned_share_of_each_pair():
    rows = [row() for _ in range(4)] + [row(positive="", positive_media=[image_medium(photograph(at))]) for at in range(3)]
    cosines = [0.9, 0.8, 0.7, 0.7, 0.3, 0.1, 0.2]
    queries = unit(*[[1, 0]] * 7)
    positives = np.array([[cosine, np.sqrt(1 - cosine**2)] for cosine in cosines], np.float32)
    verdict = Similarity(embed, share=0.34).judge_set(collection(rows, (queries, positives)))
    assert drops(verdict) == {3: "least aligned", 5: "least aligned"}  # of equal cosines the later; one of 4, one of 3
    assert verdict.drops[5].detail == "cosine 0.1000"
    assert sorted(Similarity(embed, share=0, min_cosine=0.25).judge_set(collection(rows, (queries, positives))).drops) == [5, 6]
    assert not Similarity(embed, share=0).judge_set(collection(rows, (queries, positives))).drops


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Similarity(embed, share=-0.1), "similarity.share must be from 0 to below 1, but is -0.1"),
        (lambda: Similarity(embed, min_cosine=2), "similarity.min_cosine must be from -1 to 1"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
