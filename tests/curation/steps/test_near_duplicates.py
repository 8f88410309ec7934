import pytest

from tests.curation.material import collection, row
from tests.curation.steps.material import SENTENCE, drops, variants
from tests.media.material import clip, image_medium, video_medium
from unite.curation.steps.near_duplicates import NearDuplicates
from unite.errors import ConfigError


def test_near_duplicate_texts():
    rows = [
        row(SENTENCE, "an answer of its own"),
        row(SENTENCE + "!", "An answer of its own"),
        row(SENTENCE, "something else altogether"),
        row("a cat sleeps on the warm stone wall in the evening sun", "an answer of its own"),
    ]
    assert drops(NearDuplicates().judge_set(collection(rows))) == {1: "near duplicate"}
    assert sorted(NearDuplicates(of="query").judge_set(collection(rows)).drops) == [1, 2]
    assert sorted(NearDuplicates(of="positive").judge_set(collection(rows)).drops) == [1, 3]


def test_near_duplicate_images():
    rows = [row(f"{at} {'word ' * at}", "", positive_media=[image_medium(image)]) for at, image in enumerate(variants())]
    assert sorted(NearDuplicates(of="positive").judge_set(collection(rows)).drops) == [1, 2, 3]
    assert not NearDuplicates().judge_set(collection(rows)).drops  # their texts differ
    with_text = [row("q", f"{at} {'word ' * at}", positive_media=[image_medium()]) for at in range(3)]
    assert not NearDuplicates(of="positive").judge_set(collection(with_text)).drops  # equal images under other texts


def test_near_duplicate_videos():
    videos = [clip(30, 10), clip(30, 10, width=320, height=240, shift=6), clip(30, 10, seed=5), clip(30, 10, shift=-3)]
    rows = [row("q", "", positive_media=[video_medium(video)]) for video in videos]
    assert sorted(NearDuplicates(of="positive", max_distance=6).judge_set(collection(rows)).drops) == [1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NearDuplicates(threshold=0), "near_duplicates.threshold must be above 0, at most 1, but is 0"),
        (lambda: NearDuplicates(max_distance=16), "near_duplicates.max_distance must be from 0 to 15, but is 16"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
