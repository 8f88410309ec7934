import pytest

from tests.curation.material import collection, row
from tests.curation.steps.material import drops
from tests.media.material import image_medium, photograph
from unite.curation.steps.balance import Balance
from unite.errors import ConfigError, DataError


def test_balance():
    pictures = [image_medium(photograph(at)) for at in range(4)]
    rows = [row(f"t{at}") for at in range(12)] + [row(f"i{at}", "", positive_media=[one]) for at, one in enumerate(pictures)]
    even = Balance().judge_set(collection(rows))
    assert set(drops(even).values()) == {"pair over its share"} and len(even.drops) == 8 and max(even.drops) < 12
    assert even.drops == Balance().judge_set(collection(rows)).drops != Balance().judge_set(collection(rows, seed=1)).drops
    shares = Balance({"text-to-text": 0.75, "text-to-image": 0.25}).judge_set(collection(rows))
    assert not shares.drops
    small = Balance({"text-to-text": 0.75, "text-to-image": 0.25}, max_rows=8).judge_set(collection(rows))
    assert sum(at < 12 for at in small.drops) == 6 and sum(at >= 12 for at in small.drops) == 2
    alone = Balance({"text-to-image": 1, "text-to-text": 0}).judge_set(collection(rows))
    assert drops(alone) == dict.fromkeys(range(12), "pair without a share")
    with pytest.raises(
        DataError, match=r"balance.shares must be of pairs that the set has.*text-to-image \(4 rows\), text-to-text \(12 rows\)"
    ):
        Balance({"text-to-video": 1}).judge_set(collection(rows))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Balance({"text-to-text": -0.5}), "balance.shares.text-to-text must be at least 0, but is -0.5"),
        (lambda: Balance({"text-to-text": 0}), "balance.shares must be such that one is above 0"),
        (lambda: Balance(max_rows=-1), "balance.max_rows must be 0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
