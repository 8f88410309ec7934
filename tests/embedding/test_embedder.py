import logging
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from tests.encoder.checkpoints import tiny
from tests.media.material import clip, encoded, photograph
from tests.media.video.films import song
from unite.batch import MicroBatch
from unite.config.schema.media import Decoding
from unite.data.decode import decode_content
from unite.data.rows import StoredContent, StoredMedium
from unite.embedding.embedder import Embedder
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError, CollectedError, ConfigError, DataError
from unite.types import Content, Medium, Modality


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    folder = tiny(tmp_path_factory.mktemp("embedder"))
    settings = {"adapter": None, "dtype": "float32", "min_image_tokens": 1, "max_image_tokens": 16, "max_frame_pixels": 84 * 84}
    return Embedder(folder, decoding=Decoding(fps=1, min_frames=2, max_frames=2), **settings)


@pytest.fixture
def files(tmp_path):
    photograph().save(tmp_path / "one.png")
    (tmp_path / "moving.mp4").write_bytes(clip())
    return tmp_path


def encode(embedder, items, **options):
    return embedder.encode(items, convert_to_tensor=True, **options)


def alone(embedder, content):
    """The encoder's own forward pass over one content."""
    processor = embedder.encoder.processor
    with torch.no_grad():
        return embedder.encoder(processor.pad([processor.encode(content)], [0]))[0]


def test_every_kind_of_item_is_embedded_as_the_encoder_does(embedder, files):
    pixels = np.asarray(photograph().convert("RGB"))[None]
    picture = Medium(Modality.IMAGE, pixels, 1)
    vectors = encode(
        embedder,
        ["a red cat", photograph(), files / "one.png", {"image": str(files / "one.png"), "text": "a dog", "instruction": "Find it."}],
    )
    assert vectors.shape == (4, embedder.dim) and vectors.dtype == torch.float32
    expected = [Content("a red cat"), Content(media=(picture,)), Content(media=(picture,)), Content("a dog", (picture,), "Find it.")]
    for vector, content in zip(vectors, expected, strict=True):
        torch.testing.assert_close(vector, alone(embedder, content), rtol=1e-4, atol=1e-5)


def test_a_pillow_image_of_any_mode_is_embedded_as_its_file_is(embedder, tmp_path):
    """Also where PNG has no such mode, as of CMYK, and where the file is turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph(0, 60, 120).convert("CMYK").save(tmp_path / "ink.tiff")
    photograph(0, 120, 60).save(tmp_path / "portrait.jpg", exif=exif)
    paths = [tmp_path / "ink.tiff", tmp_path / "portrait.jpg"]
    from_files, from_images = encode(embedder, paths), encode(embedder, [Image.open(path) for path in paths])
    assert torch.equal(from_files, from_images)
    upright = ImageOps.exif_transpose(Image.open(paths[1]))
    torch.testing.assert_close(encode(embedder, [upright])[0], from_files[1], rtol=1e-4, atol=1e-5)
    for image, message in (
        (Image.new("F", (9, 9)), "mode F, cannot be shown: .*without a range"),
        (Image.new("RGB", (8001, 8000)), "pixels"),
    ):
        with pytest.raises(DataError, match=f"item 1 .*{message}"):
            encode(embedder, ["a cat", image])


def test_a_video_is_a_file_and_an_instruction_is_for_all(embedder, files):
    video, same, other = encode(embedder, [files / "moving.mp4", {"video": [files / "moving.mp4"]}, "a cat"], prompt="Find the clip.")
    assert torch.equal(video, same) and not torch.equal(video, other)
    torch.testing.assert_close(other, alone(embedder, Content("a cat", instruction="Find the clip.")), rtol=1e-4, atol=1e-5)


def test_an_animated_picture_is_a_video_where_one_is_asked_for(embedder, tmp_path):
    first, *others = (Image.new("RGB", (56, 56), colour) for colour in ("red", "green", "blue"))
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=500)
    first.save(tmp_path / "still.png")
    video, image, still = encode(embedder, [{"video": tmp_path / "a.gif"}, tmp_path / "a.gif", tmp_path / "still.png"])
    torch.testing.assert_close(image, still, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(video, image, atol=1e-3)


def test_sound_alone_is_told(embedder, tmp_path):
    (tmp_path / "song.mp4").write_bytes(song())
    message = r"item 1 \(.*song.mp4\) cannot be embedded: the video holds sound alone \(aac\) and no picture"
    with pytest.raises(DataError, match=message):
        encode(embedder, ["a cat", tmp_path / "song.mp4"])


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (Image.new("RGB", (201, 1)), r"item 1 \(an image of 201 x 1\) cannot be embedded: .* cannot be resized .*aspect ratio"),
        (
            {"image": [photograph(0, 84, 84)] * 400},
            r"item 1 \(image\) cannot be embedded: a content must be at most encoder.max_length",
        ),
        (b"\xff\xd8\xff\xe0 broken", r"item 1 \(bytes of 11\) must be the bytes of an image or a video, but is .11 bytes that begin with"),
        ({"image": b"\xff\xd8\xff\xe0 broken"}, r"item 1 \(image\) cannot be embedded: the image cannot be decoded"),
    ],
)
def test_what_turns_out_not_to_be_embedded_is_named(embedder, item, message):
    with pytest.raises(DataError, match=message):
        embedder.encode(["a cat", item])


def test_all_that_is_wrong_with_a_list_is_told_before_the_checkpoint_is_loaded(embedder):
    unloaded = Embedder(embedder.checkpoint)
    with pytest.raises(CollectedError) as caught:
        unloaded.encode(["a cat", None, "photo.jpg", {"image": "gone.png"}, "a dog"])
    first, second, third = map(str, caught.value.errors)
    assert first.startswith("item 1 (None) must be a text,") and second.startswith(
        "item 2 ('photo.jpg') must be plainly a text or a medium"
    )
    assert third.startswith("the image of item 3 (image) cannot be read:") and "_encoder" not in vars(unloaded)
    with pytest.raises(DataError, match="item 1 .None. must be a text"):  # one by one as a generator gives them
        unloaded.encode(iter(["a cat", None, "photo.jpg"]))


def test_the_empty_fields_of_a_table_are_nothing(embedder, files):
    nan, path = float("nan"), str(files / "one.png")
    rows = [
        {"text": "a cat", "image": nan, "instruction": nan},
        {"text": nan, "image": path},
        {"text": None, "image": [path], "video": nan},
    ]
    assert (encode(embedder, rows) == encode(embedder, ["a cat", Path(path), Path(path)])).all()


def test_a_place_in_a_text_is_text_unless_it_is_said_to_be_one(embedder):
    literal, place = {"image": photograph(), "text": "like <|IMAGE|> but red"}, Medium(Modality.IMAGE, np.asarray(photograph())[None], 1)
    as_text, alone_text = encode(embedder, [literal, "<|IMAGE|> <|INSTRUCTION|> <|im_end|>"])
    torch.testing.assert_close(as_text, alone(embedder, Content(r"like <\|IMAGE|> but red", (place,))), rtol=1e-4, atol=1e-5)
    expected = alone(embedder, Content(r"<\|IMAGE|> <\|INSTRUCTION|> <|im_end|>"))
    torch.testing.assert_close(alone_text, expected, rtol=1e-4, atol=1e-5)
    (placed,) = encode(embedder, [literal], has_places=True)
    torch.testing.assert_close(placed, alone(embedder, Content("like <|IMAGE|> but red", (place,))), rtol=1e-4, atol=1e-5)
    assert not torch.equal(placed, as_text)


@pytest.mark.parametrize(
    "text", ["\0", "a\0.png", "a" * 300 + ".png", "a" * 100_000, "\u202eשלם", "e" + "\u0301" * 500, "\ufeffa", "\uffff"]
)
def test_any_text_has_an_embedding(embedder, text):
    assert torch.linalg.norm(encode(embedder, [text])) == pytest.approx(1, abs=1e-4)


def test_a_long_text_is_named_and_loses_its_end(embedder, caplog):
    cut, whole = encode(embedder, ["a cat and a dog " * 9000, "a cat"])
    assert torch.linalg.norm(cut) == pytest.approx(1, abs=1e-4) and not torch.equal(cut, whole)
    assert "1 of 2 embedded contents hold a text that is longer" in caplog.text and "item 0 ('a cat and a dog a cat" in caplog.text


def test_one_item_gives_one_vector_and_none_give_none(embedder, files):
    text, image = embedder.encode("a cat"), embedder.encode(files / "one.png")
    assert text.shape == image.shape == (embedder.dim,) and isinstance(text, np.ndarray)
    both = embedder.encode(["a cat", files / "one.png"])
    assert np.allclose(text, both[0], atol=1e-6) and np.allclose(image, both[1], atol=1e-6)
    for nothing in ([], iter([]), np.array([], dtype=object)):
        none = embedder.encode(nothing)
        assert none.shape == (0, embedder.dim) and none.dtype == np.float32
    assert embedder.encode([], truncate_dim=5, convert_to_tensor=True).shape == (0, 5)
    assert embedder.encode(np.array(["a cat", "a dog"])).shape == (2, embedder.dim)


def test_an_embedding_that_is_cut_is_of_unit_length_again(embedder):
    whole = encode(embedder, ["a cat", "a dog"])
    cut = encode(embedder, ["a cat", "a dog"], truncate_dim=6)
    torch.testing.assert_close(cut, whole[:, :6] / whole[:, :6].norm(dim=1, keepdim=True))
    assert torch.equal(encode(embedder, ["a cat", "a dog"], truncate_dim=6, normalize_embeddings=False), whole[:, :6])
    short = Embedder(embedder.checkpoint, truncate_dim=6, **embedder.settings)
    assert torch.equal(encode(short, ["a cat", "a dog"]), cut) and encode(short, "a cat", truncate_dim=3).shape == (3,)
    for bad in (0, -1, 2.5, True):
        with pytest.raises(ConfigError, match="truncate_dim must be a whole number of at least 1"):
            embedder.encode("a cat", truncate_dim=bad)
    assert encode(embedder, "a cat", truncate_dim=np.int64(3)).shape == (3,)
    with pytest.raises(ConfigError, match="truncate_dim must be at most the width of the embeddings, 32, but is 33"):
        embedder.encode("a cat", truncate_dim=33)


def test_a_prompt_is_the_instruction_of_items_without_one(embedder):
    prompted = Embedder(embedder.checkpoint, prompts={"query": "Find it."}, **embedder.settings)
    expected = alone(embedder, Content("a cat", instruction="Find it."))
    items = ["a cat", {"text": "a cat", "instruction": "Name it."}]
    for one, other in (prompted.encode_query(items), embedder.encode(items, prompt="Find it.")):
        torch.testing.assert_close(torch.from_numpy(one), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(torch.from_numpy(other), alone(embedder, Content("a cat", instruction="Name it.")), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.from_numpy(prompted.encode_document("a cat")), alone(embedder, Content("a cat")), rtol=1e-4, atol=1e-5)


def test_progress_is_shown_if_asked_for(embedder, monkeypatch, caplog):
    told = []
    monkeypatch.setattr("unite.embedding.embedder.shown", lambda *what, **how: told.append((*what, how["how"])) or nullcontext(Mock()))
    for options in ({"show_progress_bar": True}, {"show_progress_bar": False}, {}):
        embedder.encode(["a cat", "a dog"], **options)
    with caplog.at_level(logging.INFO):
        embedder.encode(iter(["a cat"]))
    bars = [("embedding", 2, "items", how) for how in ("bar", "nothing", "nothing")]
    assert told == [*bars, ("embedding", None, "items", "bar")]


@pytest.fixture(scope="module")
def theirs(embedder):
    """The same encoder in the library itself."""
    library = pytest.importorskip("sentence_transformers", reason="the library whose calls these are")
    from sentence_transformers.base.modules import InputModule

    class Ours(InputModule):
        def preprocess(self, inputs, prompt=None, **_):
            processor = embedder.encoder.processor
            batch = processor.pad([processor.encode(Content(text, instruction=prompt or "")) for text in inputs], range(len(inputs)))
            return {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}

        def forward(self, features, **_):
            ids = features["input_ids"]
            batch = MicroBatch(torch.arange(len(ids)), ids, torch.zeros_like(ids), features["attention_mask"])
            return {**features, "sentence_embedding": embedder.encoder(batch)}

        def get_embedding_dimension(self):
            return embedder.dim

        @property
        def tokenizer(self):
            return embedder.encoder.processor.processor.tokenizer

        def save(self, *_, **__):
            raise NotImplementedError

    prompts = {"query": "Find it.", "passage": "A passage.", "other": "Another."}
    return library.SentenceTransformer(modules=[Ours()], prompts=prompts, device="cpu"), prompts


TEXTS = ["a red cat", "the moon and the star above the dog", "a dog"]
CALLS = [
    ("encode", "a red cat", {}),
    ("encode", TEXTS, {}),
    ("encode", TEXTS, {"convert_to_tensor": True}),
    ("encode", TEXTS, {"convert_to_numpy": False}),
    ("encode", "a dog", {"convert_to_tensor": True}),
    ("encode", "a dog", {"convert_to_numpy": False}),
    ("encode", np.array(TEXTS), {"truncate_dim": 7, "normalize_embeddings": True}),
    ("encode", tuple(TEXTS), {"truncate_dim": 7, "normalize_embeddings": False}),
    ("encode", TEXTS, {"prompt_name": "other"}),
    ("encode", TEXTS, {"prompt": "Name it."}),
    ("encode", TEXTS, {"prompt": "Name it.", "prompt_name": "other"}),
    ("encode", TEXTS, {"prompt": "", "prompt_name": "other"}),
    ("encode_query", TEXTS, {}),
    ("encode_query", TEXTS, {"prompt_name": "other"}),
    ("encode_document", TEXTS, {}),
    ("encode_document", TEXTS, {"prompt": "Name it."}),
]


@pytest.mark.parametrize(("name", "inputs", "options"), CALLS)
@pytest.mark.parametrize("default", [None, "other"])
def test_what_is_called_as_in_sentence_transformers_does_the_same(embedder, theirs, name, inputs, options, default):
    model, prompts = theirs
    model.default_prompt_name = default
    ours = Embedder(embedder.checkpoint, device="cpu", prompts=prompts, default_prompt_name=default, **embedder.settings)
    vars(ours)["_encoder"] = embedder.encoder
    found, expected = (getattr(one, name)(inputs, **options) for one in (ours, model))
    assert type(found) is type(expected) and len(found) == len(expected)
    for one, other in zip(found, expected, strict=True) if isinstance(found, list) else ((found, expected),):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-5)


def test_similarities_are_those_of_sentence_transformers(embedder, theirs):
    model, _ = theirs
    vectors, others = embedder.encode(TEXTS), embedder.encode(["a cat", "the moon"], convert_to_tensor=True)
    for first, second in ((vectors, others), (vectors[0], others), (list(others), vectors), (vectors[:2].tolist(), others[0])):
        torch.testing.assert_close(embedder.similarity(first, second), model.similarity(first, second))
    torch.testing.assert_close(embedder.similarity_pairwise(vectors[:2], others), model.similarity_pairwise(vectors[:2], others))


def test_stored_contents_are_embedded_in_their_order_as_curation_asks(tmp_path):
    image = StoredMedium(Modality.IMAGE, encoded(photograph(0, 64, 56)), "jpg")
    contents = [
        StoredContent("a cat"),
        StoredContent(media=(image,)),
        StoredContent("a much longer text about a cat and a dog"),
        StoredContent("a"),
        StoredContent("a cat"),
    ]
    folder = str(tiny(tmp_path))
    encoder = VLMEncoder(folder, dtype="float32", gradient_checkpointing=False).eval()
    expected = []
    for content in contents:
        batch = encoder.processor.pad([encoder.processor.encode(decode_content(content, Decoding()))], [0])
        with torch.no_grad():
            expected.append(encoder(batch)[0].float().numpy())
    embed = Embedder(folder, device="cpu", token_budget=400, dtype="float32")
    found = embed(iter(contents))
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-6)
    assert (found[0] == found[4]).all()


@pytest.mark.parametrize(
    ("path", "message"),
    [(".", "must be a run folder that holds encoder/config.json"), ("nowhere", r"must be a run folder .*but is '.*nowhere, no folder'")],
)
def test_a_checkpoint_that_is_none_is_named(tmp_path, path, message):
    with pytest.raises(CheckpointError, match=message):
        Embedder(tmp_path / path)


def test_a_misspelt_setting_is_told_at_once(tmp_path):
    with pytest.raises(
        ConfigError, match="a setting of the encoder must be one of .*positions.*but is 'position'. Did you mean 'positions'"
    ):
        Embedder(tmp_path, position="sequential")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token_budget": 0}, "token_budget must be a whole number of at least 1, but is 0"),
        ({"token_budget": 1.5}, "token_budget must be a whole number of at least 1, but is 1.5"),
        ({"decoding": {"fps": 1}}, "decoding must be a Decoding, but is 'dict'"),
        ({"fetching": 5}, "fetching must be a Fetching, but is 'int'"),
        ({"prompts": ["a"]}, "prompts must be a Mapping, but is 'list'"),
        ({"device": "cuda:99"}, "device must be one that torch has here .*, but is 'cuda:99'. It is not: "),
        ({"device": "gpu"}, "device must be one that torch has here .*, but is 'gpu'. It is not: "),
    ],
)
def test_wrong_arguments_are_told_at_once(embedder, options, message):
    with pytest.raises(ConfigError, match=message):
        Embedder(embedder.checkpoint, **options)


def test_a_data_uri_of_nothing_holds_no_file(embedder):
    with pytest.raises(DataError, match="the item .* must be a file's bytes, but is '0 bytes'"):
        embedder.encode("data:image/png;base64,")
