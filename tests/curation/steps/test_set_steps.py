import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tests.curation.material import clip, collection, encoded, image_medium, photograph, row, unit, video_medium
from unite.curation.near_matches import _Pictures
from unite.curation.raw import RawContent
from unite.curation.signatures import minhash, normalise
from unite.curation.steps.balance import Balance
from unite.curation.steps.decontamination import Decontamination
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.false_negatives import FalseNegatives
from unite.curation.steps.hard_negatives import HardNegatives
from unite.curation.steps.near_duplicates import NearDuplicates
from unite.curation.steps.similarity import Similarity
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.tasks import write_task
from unite.errors import ConfigError, DataError
from unite.types import Modality

SENTENCE = "a brown dog runs across the wide green field behind the old red barn while two children watch from the fence"


def embed(contents):
    raise AssertionError("the collection brings its embeddings")


def drops(verdict):
    return {at: drop.reason for at, drop in verdict.drops.items()}


def test_exact_duplicates():
    rows = [
        row("A cat", "a feline"),
        row("a  CAT ", "a feline"),
        row("a cat", "another"),
        row("a dog", "a feline"),
        row("a cat", "a feline", query_media=[image_medium()]),
        row("a cat", "a feline", query_media=[image_medium()]),
    ]
    verdict = ExactDuplicates().judge_set(collection(rows))
    assert drops(verdict) == {1: "exact duplicate", 5: "exact duplicate"} and verdict.drops[1].detail == "of s/0"
    assert sorted(ExactDuplicates(of="query").judge_set(collection(rows)).drops) == [1, 2, 5]
    assert sorted(ExactDuplicates(of="positive").judge_set(collection(rows)).drops) == [1, 3, 4, 5]


def test_minhash_estimates_jaccard_similarity():
    def shingles(text):
        return {text[at : at + 5] for at in range(len(text) - 4)}

    pairs = [(SENTENCE, SENTENCE.replace(old, new)) for old, new in (("old", "big"), ("dog runs", "cat walks"), ("the", "a"), ("a ", "x"))]
    errors = []
    for one, other in pairs:
        exact = len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))
        errors.append((minhash(normalise(one)) == minhash(normalise(other))).mean() - exact)
    assert np.abs(errors).max() < 0.2 and abs(np.mean(errors)) < 0.1  # the standard error of 64 permutations is at most 0.063


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


def variants():
    """One photograph saved small, brighter and as a poor JPEG; and two others."""
    image = photograph(0, 320, 240)
    poor = Image.open(io.BytesIO(encoded(image, quality=30)))
    return [image, image.resize((200, 150)), ImageEnhance.Brightness(image).enhance(1.1), poor, photograph(1), photograph(2)]


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


@pytest.mark.parametrize("distance", [0, 1, 4, 9, 15])
def test_banded_lookup_equals_comparing_all(distance):
    rng = np.random.default_rng(distance)
    known = rng.integers(0, 2**63, 60, dtype=np.uint64).tolist()
    index = _Pictures(distance)
    for entry, picture in enumerate(known):
        index.add(entry, picture)
    for _ in range(60):
        asked = int(known[rng.integers(60)])
        for bit in rng.choice(64, rng.integers(0, 20), replace=False).tolist():
            asked ^= 1 << bit
        assert index.like(asked) == {entry for entry, picture in enumerate(known) if bin(picture ^ asked).count("1") <= distance}


@pytest.fixture
def task(tmp_path):
    picture = StoredMedium(Modality.IMAGE, encoded(photograph(0, 320, 240), "PNG"), "png")
    write_task(
        tmp_path / "task",
        name="held_out",
        queries=[Row("q", StoredContent(SENTENCE)), Row("r", StoredContent("a dog"))],
        candidates=[Row("c", StoredContent(media=(picture,)))],
        relevance={"q": {"c": 1}, "r": {"c": 1}},
        query_modality=Modality.TEXT,
        candidate_modality=Modality.IMAGE,
    )
    return tmp_path / "task"


def test_decontamination(task):
    rows = [
        row("a", "b"),
        row("found in the other side", SENTENCE.replace("old", "big")),
        row("a picture of it", "", positive_media=[image_medium(variants()[1])]),
        row("another picture", "", positive_media=[image_medium(photograph(3))]),
        row("a dog", "short texts are in every set"),
    ]
    verdict = Decontamination([str(task)]).judge_set(collection(rows))
    assert drops(verdict) == {1: "text in an evaluation task", 2: "picture in an evaluation task"}
    assert verdict.drops[1].detail == "like query q of held_out" and verdict.drops[2].detail == "like candidate c of held_out"


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
        (lambda: ExactDuplicates(of="rows"), "exact_duplicates.of must be one of positive, query, row, but is 'rows'. Did you mean 'row'"),
        (lambda: NearDuplicates(threshold=0), "near_duplicates.threshold must be above 0, at most 1, but is 0"),
        (lambda: NearDuplicates(max_distance=16), "near_duplicates.max_distance must be from 0 to 15, but is 16"),
        (lambda: Decontamination([]), "decontamination.tasks must be at least one task folder"),
        (lambda: Decontamination(["nowhere"]), "decontamination.tasks must be folders with a task.json, but is 'nowhere'"),
        (lambda: Similarity(embed, share=-0.1), "similarity.share must be from 0 to below 1, but is -0.1"),
        (lambda: Similarity(embed, min_cosine=2), "similarity.min_cosine must be from -1 to 1"),
        (lambda: FalseNegatives(embed, min_cosine=0), "false_negatives.min_cosine must be above 0"),
        (lambda: FalseNegatives(embed, num_neighbours=0), "false_negatives.num_neighbours must be at least 1"),
        (lambda: Balance({"text-to-text": -0.5}), "balance.shares.text-to-text must be at least 0, but is -0.5"),
        (lambda: Balance({"text-to-text": 0}), "balance.shares must be such that one is above 0"),
        (lambda: Balance(max_rows=-1), "balance.max_rows must be 0"),
        (lambda: HardNegatives(embed, num_negatives=0), "hard_negatives.num_negatives must be at least 1"),
        (lambda: HardNegatives(embed, first_rank=5, last_rank=4), r"hard_negatives.first_rank must be from 1 to last_rank \(4\), but is 5"),
        (lambda: HardNegatives(embed, max_positive_cosine=0), "hard_negatives.max_positive_cosine must be above 0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
