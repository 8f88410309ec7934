import pytest
from PIL import Image, ImageFilter, ImageOps

from tests.curation.material import Rows, collection, row
from tests.curation.pictures import cropped, real_pictures
from tests.curation.steps.material import SENTENCE, drops, variants
from tests.media.material import clip, image_medium, video_medium
from unite.curation.pipeline import Curation
from unite.curation.steps.near_duplicates import NearDuplicates
from unite.data.shards import ShardReader
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


def test_the_negatives_of_equal_pairs_are_put_together():
    rows = [row(SENTENCE, "an answer"), row(SENTENCE + "!", "an answer"), row(SENTENCE, "an answer", negatives=["no"])]
    verdict = NearDuplicates().judge_set(collection(rows))
    assert sorted(verdict.drops) == [1, 2] and verdict.merged == {0: [2]}


def test_near_duplicate_images():
    rows = [row(f"{at} {'word ' * at}", "", positive_media=[image_medium(image)]) for at, image in enumerate(variants())]
    assert sorted(NearDuplicates(of="positive").judge_set(collection(rows)).drops) == [1, 2, 3]
    assert not NearDuplicates().judge_set(collection(rows)).drops  # their texts differ
    with_text = [row("q", f"{at} {'word ' * at}", positive_media=[image_medium()]) for at in range(3)]
    assert not NearDuplicates(of="positive").judge_set(collection(with_text)).drops  # equal images under other texts


def test_near_duplicate_videos():
    videos = [clip(30, 10), clip(30, 10, width=320, height=240, shift=6), clip(30, 10, seed=5), clip(30, 10, shift=-3)]
    rows = [row("q", "", positive_media=[video_medium(video)]) for video in videos]
    assert sorted(NearDuplicates(of="positive").judge_set(collection(rows)).drops) == [1]


def test_solid_colours_crops_and_mirror_images():
    solid = [Image.new("RGB", (120, 90), colour) for colour in ("red", "green", "blue", "yellow")]
    image = real_pictures()[0]
    shown = [*solid, image, cropped(image, left=0.1), ImageOps.mirror(image), real_pictures()[1]]
    rows = collection([row("", "a text", query_media=[image_medium(one)]) for one in shown])
    assert sorted(NearDuplicates(of="query").judge_set(rows).drops) == [5, 6]
    assert sorted(NearDuplicates(of="query", mirrored=False).judge_set(rows).drops) == [5]
    assert sorted(NearDuplicates(of="query", max_crop=0).judge_set(rows).drops) == [6]


def test_the_best_is_kept():
    image = real_pictures()[0]
    blurred = image.filter(ImageFilter.GaussianBlur(3))
    large = blurred.resize((image.width * 2, image.height * 2))
    rows = [
        row("a temple", "", positive_media=[image_medium(blurred, quality=95)]),
        row("a temple in a garden", "", positive_media=[image_medium(blurred, quality=80)]),
        row("a temple", "", positive_media=[image_medium(large, quality=80)]),
        row("a temple!", "", positive_media=[image_medium(image, quality=95)]),
        row("a flower", "", positive_media=[image_medium(real_pictures()[1])]),
    ]
    made = collection(rows)

    def kept(keep):
        drops = NearDuplicates(of="positive", keep=keep).judge_set(made).drops
        (best,) = {drop.detail for drop in drops.values()}
        assert sorted([*drops, int(best.removeprefix("of s/"))]) == [0, 1, 2, 3]  # all are of the one that is kept
        return best

    expected = {"first": "of s/0", "longest_caption": "of s/1", "largest": "of s/2", "sharpest": "of s/3"}
    assert {keep: kept(keep) for keep in expected} == expected


def test_texts_are_read_from_disk_where_a_sketch_leaves_them_in_doubt(tmp_path):
    """The threshold is between two copies' true similarities, nearer to each than a sketch can tell."""
    edits = [SENTENCE.replace("old", "big"), SENTENCE.replace("red barn", "tall tree"), SENTENCE.replace("across", "through")]
    sets = [{text[at : at + 5] for at in range(len(text) - 4)} for text in (SENTENCE, *edits)]
    similar = sorted(len(sets[0] & other) / len(sets[0] | other) for other in sets[1:])
    step = NearDuplicates(of="query", threshold=(similar[0] + similar[1]) / 2)
    rows = [row(text, f"answer {at}") for at, text in enumerate((SENTENCE, *edits))]
    sheet = Curation([Rows(rows)], [step], out=tmp_path / "set", rows_per_part=2, workers=1, progress=False).run()
    assert sheet["funnel"][-1]["dropped"] == {"near duplicate": 2}
    kept = list(ShardReader.of_folder(tmp_path / "set" / "rows" / "text-to-text"))
    assert [one.query.text for one in kept] == [SENTENCE, SENTENCE.replace("red barn", "tall tree")]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NearDuplicates(threshold=0), "near_duplicates.threshold must be above 0, at most 1, but is 0"),
        (lambda: NearDuplicates(picture_threshold=2), "near_duplicates.picture_threshold must be above 0, at most 1, but is 2"),
        (lambda: NearDuplicates(max_crop=0.5), "near_duplicates.max_crop must be from 0 to 0.2, but is 0.5"),
        (
            lambda: NearDuplicates(keep="best"),
            "near_duplicates.keep must be one of first, largest, longest_caption, sharpest, but is 'best'",
        ),
        (lambda: NearDuplicates(of="rows"), "near_duplicates.of must be one of positive, query, row"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
