import pytest

from tests.data.test_collate import WordProcessor
from unite.data.mixture import MixtureDataModule
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardWriter
from unite.data.source import SourceDataModule
from unite.errors import ConfigError, DataError
from unite.types import Modality


def write(folder, count, broken=()):
    with ShardWriter(folder, 7) as writer:
        for at in range(count):
            media = (StoredMedium(Modality.IMAGE, b"broken", "png"),) if at in broken else ()
            writer.write(Row(f"{at:04d}", StoredContent(f"{folder.name} q{at}", media), (StoredContent(f"{folder.name} p{at}"),)))


def mixture(folder, num_workers=0, num_steps=12, seed=0, **shares):
    names = [path.name for path in sorted(folder.iterdir())]
    sources = {name: SourceDataModule(name, str(folder / name), "text", "text") for name in names}
    module = MixtureDataModule(sources, dict.fromkeys(names, 1.0) | shares, batch_size=8, run_length=2, num_workers=num_workers, seed=seed)
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
    source = SourceDataModule("a", str(folder / "a"), "text", "image")
    with pytest.raises(
        DataError, match=r"the positive of sample a/shard-000000.tar/0000 must be of modality image \(source.a.positive\), but is 'text'"
    ):
        source.example(0)


def test_a_source_alone_streams_its_examples(folder):
    source = SourceDataModule("b", str(folder / "b" / "*.tar"), "text", "text")
    source.prepare_data()
    source.setup()
    assert [example.query.text for example in source.train_dataloader()] == [f"b q{at}" for at in range(11)]


def test_missing_shards_say_where_and_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"source.a.shards must be a folder or glob with .tar shards, but is '.*nowhere'.*Curate or copy"):
        SourceDataModule("a", str(tmp_path / "nowhere"), "text", "text").setup()


def test_unknown_modality_names_are_refused():
    with pytest.raises(DataError, match="modality must be one of image, text, video, but is 'imag'.*Did you mean 'image'"):
        SourceDataModule("a", "x", "text+imag", "text")
