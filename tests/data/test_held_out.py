"""Which rows are held out, and what that leaves; through it what `identities.py` reads and keeps."""

import logging
import random

import numpy as np
import pytest

from tests.word_processor import WordProcessor
from unite.config.schema import DataConfig, HeldOutConfig, MixtureConfig, SourceConfig
from unite.data.held_out import HeldOut, clusters, draw
from unite.data.identities import NEGATIVE, POSITIVE, QUERY, hash_of, identities
from unite.data.mixture import MixtureDataModule
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardReader, ShardWriter
from unite.data.source import SourceDataModule
from unite.errors import ConfigError
from unite.types import Modality


def text(words, group="", instruction=""):
    return StoredContent(words, group=group, instruction=instruction)


def write(folder, rows, per_shard=7):
    """Rows of a query, positives, negatives; text alone where a string stands."""
    with ShardWriter(folder, per_shard) as writer:
        for at, (query, positives, negatives) in enumerate(rows):
            sides = [[text(one) if isinstance(one, str) else one for one in side] for side in ([query], positives, negatives)]
            writer.write(Row(f"{at:04d}", sides[0][0], tuple(sides[1]), tuple(sides[2])))
    return folder


def source_of(folder, neighbours=1):
    return SourceDataModule(SourceConfig(name=folder.name, shards=str(folder), query="text", positive="text", neighbours=neighbours))


def divided(*folders, neighbours=1, **config):
    sources = [source_of(folder, neighbours) for folder in folders]
    HeldOut(HeldOutConfig(**config), sources).divide()
    return sources


def examples(source):
    return [source.example(at) for at in range(len(source.reader))]


def random_rows(count, seed, words=200):
    """Rows that share contents and groups here and there, with negatives from everywhere."""
    rng = random.Random(seed)
    return [
        (
            text(
                f"q{rng.randrange(3 * words)}",
                group=rng.choice(["", "", "", f"g{rng.randrange(words)}"]),
                instruction=rng.choice(["", "Find."]),
            ),
            [f"p{at}" if rng.random() < 0.9 else f"q{rng.randrange(3 * words)}"],
            [f"p{rng.randrange(count)}" for _ in range(rng.randrange(3))],
        )
        for at in range(count)
    ]


def marks(contents):
    """What tells a content, and its group."""
    return {mark for one in contents for mark in (("text", one.text), ("group", one.group)) if mark[1]}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("neighbours", [1, 4])
def test_no_held_out_content_is_in_any_training_row(tmp_path, seed, neighbours):
    folders = [
        write(tmp_path / name, random_rows(count, seed * 10 + place, 200 * neighbours))
        for place, (name, count) in enumerate({"a": 83, "b": 40}.items())
    ]
    sources = divided(*folders, neighbours=neighbours, share=0.3, seed=seed)
    assert all(0 < source.num_held_out <= 0.3 * count for source, count in zip(sources, (83, 40), strict=True))
    held = {mark for one in sources for row in one.held_out for mark in marks([row.query, *row.positives])}
    for source in sources:
        for example in examples(source)[: len(source.reader) // neighbours * neighbours]:
            assert not held & marks([example.query, *example.positives, *example.negatives])


def test_every_row_is_held_out_or_kept_and_negatives_alone_are_lost(tmp_path):
    rows = [(f"q{at}", [f"p{at}"], [f"p{(at + 1) % 20}", f"n{at}"]) for at in range(20)]
    (source,) = divided(write(tmp_path / "a", rows), share=0.25)
    held = {row.query.text for row in source.held_out}
    kept = {example.query.text: [one.text for one in example.negatives] for example in examples(source)}
    assert len(held) == 5 and held | set(kept) == {f"q{at}" for at in range(20)}
    for query, negatives in kept.items():
        after = (int(query[1:]) + 1) % 20
        assert negatives == ([] if f"q{after}" in held else [f"p{after}"]) + [f"n{query[1:]}"]


def test_the_choice_is_of_seed_and_contents_wherever_they_lie(tmp_path):
    rows = random_rows(60, 1)
    pairs = lambda source: {(row.query.text, row.positives[0].text) for row in source.held_out}  # noqa: E731
    (one,) = divided(write(tmp_path / "one", rows), share=0.2)
    (other,) = divided(write(tmp_path / "other", rows[::-1], per_shard=11), share=0.2)
    (reseeded,) = divided(tmp_path / "one", share=0.2, seed=1)
    assert pairs(one) == pairs(other) != pairs(reseeded)


def test_a_source_that_two_stages_read_is_divided_alike(tmp_path):
    folder = write(tmp_path / "a", random_rows(60, 2))
    one, again = divided(folder, folder, share=0.2)
    assert one.held_out_fingerprint == again.held_out_fingerprint and one.num_held_out


def test_blocks_of_neighbours_stay_whole(tmp_path):
    rows = [(f"q{at}", [f"p{at}"], []) for at in range(42)]
    (source,) = divided(write(tmp_path / "a", rows), neighbours=4, share=0.3)
    held = [int(row.query.text[1:]) for row in source.held_out]
    assert len(held) == 12 and all(held[at : at + 4] == list(range(held[at], held[at] + 4)) for at in range(0, 12, 4))
    assert all(held[at] % 4 == 0 for at in range(0, 12, 4))
    kept = [int(example.query.text[1:]) for example in examples(source)]
    assert kept == [at for at in range(42) if at not in held]


def test_at_most_so_many_rows_are_held_out(tmp_path):
    (source,) = divided(write(tmp_path / "a", [(f"q{at}", [f"p{at}"], []) for at in range(40)]), share=0.5, max_rows=3)
    assert source.num_held_out == 3


def test_rows_that_all_hang_together_cannot_be_held_out(tmp_path, caplog):
    alike = write(tmp_path / "alike", [(f"q{at}", ["yes" if at % 2 else "no"], []) for at in range(20)])
    with pytest.raises(
        ConfigError, match=r"rows that can be held out must be at least one block, but is .*'alike': 4.*'alike': 10.*validation=none"
    ):
        divided(alike, share=0.2)
    others = write(tmp_path / "others", [(f"w{at}", [f"p{at}"], []) for at in range(20)])
    with caplog.at_level(logging.INFO):
        divided(alike, others, share=0.2)
    assert "source alike has no row to hold out: 10 of its rows hang together by shared contents; nothing is validated of it" in caplog.text
    assert "source others: 4 of 20 rows are held out" in caplog.text


def test_clusters_equal_a_walk_over_all_links():
    rng = np.random.default_rng(0)
    block, content = rng.integers(60, size=80), rng.integers(1, 90, size=80)
    found, first = clusters(block, content, 60)
    parent = list(range(60))
    for one in range(80):
        for other in range(80):
            if content[one] == content[other]:
                old, new = parent[block[one]], parent[block[other]]
                parent = [new if at == old else at for at in parent]
    assert {(one, other) for one in range(60) for other in range(60) if found[one] == found[other]} == {
        (one, other) for one in range(60) for other in range(60) if parent[one] == parent[other]
    }
    for cluster, smallest in enumerate(first.tolist()):
        members = [content[at] for at in range(80) if found[block[at]] == cluster]
        assert smallest == min(members, default=np.iinfo(np.int64).max)


def test_clusters_are_drawn_in_order_as_far_as_they_fit():
    sizes = np.array([[3, 0], [2, 1], [1, 1], [0, 1]])
    assert draw(sizes, np.array([1, 0, 2, 3]), np.array([3, 2])).tolist() == [False, True, True, False]


def test_what_a_row_holds_is_read_once(tmp_path, monkeypatch):
    picture = StoredContent("see", (StoredMedium(Modality.IMAGE, b"bytes", "png"),))
    folder = write(tmp_path / "a", [("q", ["p", picture], ["n"]), (text("q", "g", "Find."), ["p"], [])], per_shard=1)
    reader = ShardReader.of_folder(folder)
    lines = identities(reader)
    assert lines[:, 0].tolist() == [0, 0, 0, 0, 1, 1] and lines[:, 1].tolist() == [QUERY, POSITIVE, POSITIVE, NEGATIVE, QUERY, POSITIVE]
    assert lines[0, 2] == lines[4, 2] == hash_of(text("q")) and lines[2, 2] == hash_of(picture) != hash_of(text("see"))
    assert (lines[:, 3] != 0).tolist() == [False] * 4 + [True, False]
    with monkeypatch.context() as patched:
        patched.setattr(ShardReader, "read", lambda *_: pytest.fail("read"))
        assert (identities(reader) == lines).all()
    next(folder.glob("*.identities.npy")).write_bytes(b"broken")
    assert (identities(ShardReader.of_folder(folder)) == lines).all()


def test_where_nothing_can_be_written_it_is_kept_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write(tmp_path / "a", [("q", ["p"], [])])
    monkeypatch.setattr("unite.data.address.Address.is_local", property(lambda _: False))
    lines = identities(ShardReader([next(folder.glob("*.tar"))]))
    assert len(list((tmp_path / "cache" / "unite" / "identities").iterdir())) == 1 and not list(folder.glob("*.npy"))
    assert len(lines) == 2


def mixture(folder, batch_size=8, **config):
    names = [path.name for path in sorted(folder.iterdir())]
    sources = {name: source_of(folder / name) for name in names}
    held_out = HeldOut(HeldOutConfig(**config), list(sources.values())) if config else None
    module = MixtureDataModule(MixtureConfig(shares=dict.fromkeys(names, 1.0)), DataConfig(batch_size=batch_size), sources, 0, held_out)
    module.attach(WordProcessor(), 12)
    return module


@pytest.fixture
def folder(tmp_path):
    for name in "ab":
        write(tmp_path / name, [(f"{name} q{at}", [f"{name} p{at}"], []) for at in range(40)])
    return tmp_path


def test_a_resumed_run_must_hold_out_the_same_rows(folder):
    state = mixture(folder, share=0.2).state_dict()
    mixture(folder, share=0.2).load_state_dict(state)
    with pytest.raises(ConfigError, match="held_out of the resumed run must be .*order of its samples"):
        mixture(folder, share=0.2, seed=1).load_state_dict(state)
    with pytest.raises(ConfigError, match=r"rows_and_neighbours of the resumed run must be .*\[32, 1\].*\[40, 1\]"):
        mixture(folder).load_state_dict(state)


def test_what_is_held_out_comes_in_no_batch_and_each_of_its_rows_once_at_most(folder):
    module = mixture(folder, share=0.25)
    module.check()
    held = {f"{name}/{source.held_out.name(at)}" for name, source in module.sources.items() for at in range(source.num_held_out)}
    assert len(held) == 20 and not held & {key for batch in module.train_dataloader() for key in batch.keys}
    order = module.held_out_order()
    rows = [row for step in range(order.steps_an_epoch) for row in order.batch(step)]
    assert order.steps_an_epoch >= 1 and len(rows) == len(set(rows)) == 8 * order.steps_an_epoch


def test_held_out_rows_that_fill_no_batch_are_refused(folder):
    with pytest.raises(
        ConfigError, match=r"held-out rows must be enough for a batch of 8 .*, but is \{'a': 2, 'b': 2\}.*Raise validation.held_out"
    ):
        mixture(folder, share=0.05).held_out_order()


def test_a_share_that_leaves_less_than_a_batch_to_train_on_is_refused(folder):
    with pytest.raises(ConfigError, match=r"rows left to train on must be at least a batch of 8 .*, but is \{'a': 2, 'b': 2\}.*Lower"):
        mixture(folder, share=0.95).check()


def test_what_some_rows_hold_is_numbered_by_their_places_among_them(tmp_path):
    folder = write(tmp_path / "a", [(f"q{at}", [f"p{at}"], []) for at in range(20)])
    lines = identities(ShardReader.of_folder(folder).of_rows(np.array([3, 11, 12])))
    expected = [hash_of(text(f"{side}{at}")) for at in (3, 11, 12) for side in "qp"]
    assert lines[:, 0].tolist() == [0, 0, 1, 1, 2, 2] and lines[:, 2].tolist() == expected
