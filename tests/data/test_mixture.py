import json
import logging
import multiprocessing
import os
import signal
from types import SimpleNamespace

import fsspec
import pytest
import webdataset

from tests.word_processor import WordProcessor
from unite.config.schema import DataConfig, MixtureConfig, SourceConfig
from unite.data.mixture import MixtureDataModule
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardWriter
from unite.data.source import SourceDataModule
from unite.errors import ConfigError, DataError
from unite.types import Modality, escape_places


def write(folder, count, broken=()):
    with ShardWriter(folder, 7) as writer:
        for at in range(count):
            media = (StoredMedium(Modality.IMAGE, b"broken", "png"),) if at in broken else ()
            writer.write(Row(f"{at:04d}", StoredContent(f"{folder.name} q{at}", media), (StoredContent(f"{folder.name} p{at}"),)))


def source_of(name, shards, positive="text"):
    return SourceDataModule(SourceConfig(name=name, shards=str(shards), query="text", positive=positive))


def mixture(folder, num_workers=0, num_steps=12, seed=0, run_length=2, shares=None, temperature=None, exhausted="repeat"):
    names = [path.name for path in sorted(folder.iterdir()) if path.is_dir()]
    sources = {name: source_of(name, folder / name) for name in names}
    if shares is None and temperature is None:
        shares = dict.fromkeys(names, 1.0)
    config = MixtureConfig(shares=shares, temperature=temperature, exhausted=exhausted, run_length=run_length)
    module = MixtureDataModule(config, DataConfig(batch_size=8, num_workers=num_workers), sources, seed)
    module.attach(WordProcessor(), num_steps)
    return module


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "a", 30)
    write(tmp_path / "b", 11)
    return tmp_path


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_a_resumed_stream_goes_on_where_it_stopped(folder, num_workers):
    whole = [batch.keys for batch in mixture(folder).train_dataloader()]
    assert len(whole) == 12 and all(len(keys) == 8 for keys in whole)
    resumed = mixture(folder, num_workers)
    resumed.load_state_dict({"steps_taken": 5, "seed": 0, "batch_size": 8})
    assert [batch.keys for batch in resumed.train_dataloader()] == whole[5:]


def run_until_killed(folder, num_workers, seen, state):
    """Notes the keys of every step and, every other step, the state; is killed in the middle of step 7."""
    module = mixture(folder, num_workers)
    with seen.open("w") as file:
        for step, batch in enumerate(module.train_dataloader()):
            if step == 7:
                os.kill(os.getpid(), signal.SIGKILL)
            file.write(json.dumps([step, batch.keys]) + "\n")
            file.flush()
            module.steps_taken = step + 1
            if module.steps_taken % 2 == 0:
                state.write_text(json.dumps(module.state_dict()))


@pytest.mark.parametrize("num_workers", [0, 1, 4])
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_a_killed_stream_goes_on_with_the_very_samples(folder, num_workers):
    whole = [batch.keys for batch in mixture(folder).train_dataloader()]
    seen, state = folder / "seen.jsonl", folder / "state.json"
    killed = multiprocessing.get_context("fork").Process(target=run_until_killed, args=(folder, num_workers, seen, state))
    killed.start()
    killed.join()  # with a timeout it would wait for the orphaned workers too
    assert killed.exitcode == -signal.SIGKILL
    before = dict(json.loads(line) for line in seen.read_text().splitlines())
    assert before == dict(enumerate(whole[:7]))
    resumed = mixture(folder, num_workers)
    resumed.load_state_dict(json.loads(state.read_text()))
    assert resumed.steps_taken == 6
    assert [batch.keys for batch in resumed.train_dataloader()] == whole[6:]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_a_signal_to_every_process_of_a_run_ends_no_worker(folder):
    batches = iter(mixture(folder, num_workers=2).train_dataloader())
    keys = [next(batches).keys, next(batches).keys]  # one of each: both have begun
    for worker in multiprocessing.active_children():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            os.kill(worker.pid, number)
    keys += [batch.keys for batch in batches]
    assert keys == [batch.keys for batch in mixture(folder).train_dataloader()]


def test_a_mixture_streams_from_an_address_with_workers(folder, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    store = fsspec.filesystem("memory")
    for path in folder.glob("*/*.tar"):
        store.pipe(f"/mixture/{path.parent.name}/{path.name}", path.read_bytes())
    sources = {name: source_of(name, f"memory://mixture/{name}") for name in "ab"}
    config = MixtureConfig(shares={"a": 1, "b": 1}, run_length=2)
    module = MixtureDataModule(config, DataConfig(batch_size=8, num_workers=2), sources)
    module.attach(WordProcessor(), 12)
    assert [batch.keys for batch in module.train_dataloader()] == [batch.keys for batch in mixture(folder).train_dataloader()]
    store.rm("/mixture", recursive=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shares": {"a": 2.0, "b": 1.0}}, "shares of the resumed run must be .*0.5.*0.66"),
        ({"run_length": 4}, "run_length of the resumed run must be 2, but is 4"),
    ],
)
def test_a_resumed_stream_must_keep_its_mixture(folder, change, message):
    with pytest.raises(ConfigError, match=message):
        mixture(folder, **change).load_state_dict(mixture(folder).state_dict())


def test_a_resumed_stream_must_keep_its_rows(folder):
    state = mixture(folder).state_dict()
    write(folder / "a", 31)
    with pytest.raises(ConfigError, match=r"rows_and_neighbours of the resumed run must be .*'a': \[30, 1\].*'a': \[31, 1\]"):
        mixture(folder).load_state_dict(state)


def test_shares_by_temperature_even_out_the_sources(folder):
    shares = mixture(folder, temperature=2.0).order.shares
    assert shares["a"] / shares["b"] == pytest.approx((30 / 11) ** 0.5)


def test_shares_and_temperature_exclude_each_other(folder):
    with pytest.raises(ConfigError, match=r"mixture.shares must be empty with mixture.temperature=2.0, but is .*mixture.shares=null"):
        mixture(folder, shares={"a": 1.0}, temperature=2.0)
    with pytest.raises(ConfigError, match="mixture.exhausted must be one of end, repeat, but is 'ends'.*Did you mean 'end'"):
        mixture(folder, exhausted="ends")


def test_an_exhausted_source_ends_the_epoch(folder, caplog):
    module = mixture(folder, num_steps=50, exhausted="end")
    with caplog.at_level(logging.INFO):
        steps = module.attach(WordProcessor(), 50)
    assert f"the epoch ends after {steps} steps of the 50 asked for" in caplog.text
    keys = [key for batch in module.train_dataloader() for key in batch.keys]
    assert len(keys) == len(set(keys)) == 8 * steps
    # 11 rows make 5 runs of 2; the other half of the samples is a's, so 10 runs or so, 4 of them a step
    assert steps == 2 and module.attach(WordProcessor(), 1) == 1
    assert mixture(folder, num_steps=50).num_steps == 50


def test_an_epoch_without_a_step_is_refused(folder):
    write(folder / "c", 3)
    with pytest.raises(ConfigError, match=r"an epoch of the mixture must be at least 1 step long.*'c': 3}.*mixture.exhausted=repeat"):
        mixture(folder, shares={"a": 0.1, "b": 0.1, "c": 1.0}, exhausted="end")


def test_what_was_seen_of_each_source_is_accounted_for(folder, caplog):
    module = mixture(folder, num_steps=12)
    with caplog.at_level(logging.INFO):
        batches = list(module.train_dataloader())
    seen = {name: sum(batch.sources.count(name) for batch in batches) for name in "ab"}
    rows = {"a": 30, "b": 11}
    expected = {f"source_epochs/{name}": seen[name] / rows[name] for name in "ab"}
    expected |= {f"source_upsampling/{name}": 0.5 / (rows[name] / 41) for name in "ab"}
    assert module.account(12) == pytest.approx(expected)
    assert f"source b: 11 rows, 50.0 % of the samples, upsampled 1.86 times, {seen['b'] / 11:.2f} epochs in 12 steps" in caplog.text


def test_a_resumed_stream_must_keep_its_order(folder):
    with pytest.raises(ConfigError, match="seed of the resumed run must be 3, but is 0.*order of its samples"):
        mixture(folder).load_state_dict({"steps_taken": 5, "seed": 3, "batch_size": 8})


def test_an_unreadable_sample_is_left_out_and_named(tmp_path):
    write(tmp_path / "a", 8, broken={3})
    batch = next(iter(mixture(tmp_path).train_dataloader()))
    assert len(batch.keys) == 7 and len(batch.skipped) == 1
    key, reason = batch.skipped[0]
    assert key == "a/shard-000000.tar/0003" and "sample a/shard-000000.tar/0003: the image cannot be decoded" in reason


def test_a_row_of_another_modality_is_refused_by_name(folder):
    source = source_of("a", str(folder / "a"), positive="image")
    with pytest.raises(
        DataError, match=r"the positive of sample a/shard-000000.tar/0000 must be of modality image \(source.a.positive\), but is 'text'"
    ):
        source.example(0)


def test_a_tokenizer_learns_from_what_texts_say_and_of_a_book_from_its_beginning(tmp_path):
    with ShardWriter(tmp_path / "a") as writer:
        writer.write(Row("0", StoredContent("<|IMAGE|>" + escape_places("a <|IMAGE|> tag")), (StoredContent("b" * 9_000_000, (), "find"),)))
    with webdataset.TarWriter(str(tmp_path / "a" / "other.tar"), encoder=False) as other:
        other.write({"__key__": "half", "json": rb'{"query": {"text": "a \ud83d"}}'})
    first, book, instruction = source_of("a", str(tmp_path / "a")).texts()
    assert (first, instruction) == ("a <|IMAGE|> tag", "find") and set(book) == {"b"} and len(book) < 10_000


def test_a_source_alone_streams_its_examples(folder):
    source = source_of("b", str(folder / "b" / "*.tar"))
    source.prepare_data()
    source.setup()
    assert [example.query.text for example in source.train_dataloader()] == [f"b q{at}" for at in range(11)]


def test_shards_beside_a_world_that_is_a_link_are_beside_the_link(tmp_path):
    (tmp_path / "elsewhere" / "world").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "world").symlink_to(tmp_path / "elsewhere" / "world")
    write(tmp_path / "elsewhere" / "rows", 3)
    write(tmp_path / "data" / "rows", 5)
    world = SimpleNamespace(folder=tmp_path / "data" / "world")
    source = SourceDataModule(SourceConfig(name="rows", shards="../rows", query="text", positive="text", world=world))
    assert source.size.num_rows == 5


def test_missing_shards_say_where_and_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"source.a.shards must be a folder or glob with .tar shards, but is '.*nowhere'.*Curate or copy"):
        source_of("a", str(tmp_path / "nowhere")).setup()


def test_unknown_modality_names_are_refused():
    with pytest.raises(DataError, match="modality must be one of image, text, video, but is 'imag'.*Did you mean 'image'"):
        SourceDataModule(SourceConfig(name="a", shards="x", query="text+imag", positive="text"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_workers": -1}, "data.num_workers must be at least 0, but is -1"),
        ({"token_budget": 0}, "data.token_budget must be at least 1, but is 0"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ConfigError, match=message):
        DataConfig(batch_size=2, **settings)
