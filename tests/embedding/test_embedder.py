from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from tests.encoder.checkpoints import tiny
from tests.media.material import clip, encoded, photograph
from tests.media.video.films import song
from unite.config.schema.media import Decoding
from unite.data.decode import decode_content
from unite.data.rows import StoredContent, StoredMedium
from unite.embedding.embedder import Embedder
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError, ConfigError, DataError
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


def alone(embedder, content):
    """The encoder's own forward pass over one content."""
    processor = embedder.encoder.processor
    with torch.no_grad():
        return embedder.encoder(processor.pad([processor.encode(content)], [0]))[0]


def test_every_kind_of_item_is_embedded_as_the_encoder_does(embedder, files):
    pixels = np.asarray(photograph().convert("RGB"))[None]
    picture = Medium(Modality.IMAGE, pixels, 1)
    vectors = embedder.embed(
        ["a red cat", photograph(), files / "one.png", {"image": str(files / "one.png"), "text": "a dog", "instruction": "Find it."}]
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
    from_files, from_images = embedder.embed(paths), embedder.embed([Image.open(path) for path in paths])
    assert torch.equal(from_files, from_images)
    upright = ImageOps.exif_transpose(Image.open(paths[1]))
    torch.testing.assert_close(embedder.embed([upright])[0], from_files[1], rtol=1e-4, atol=1e-5)
    for image, message in (
        (Image.new("F", (9, 9)), "mode F, cannot be shown: .*without a range"),
        (Image.new("RGB", (8001, 8000)), "pixels"),
    ):
        with pytest.raises(DataError, match=f"the image of item 1.*{message}"):
            embedder.embed(["a cat", image])


def test_a_video_is_a_file_and_an_instruction_is_for_all(embedder, files):
    video, same, other = embedder.embed([files / "moving.mp4", {"video": [files / "moving.mp4"]}, "a cat"], instruction="Find the clip.")
    assert torch.equal(video, same) and not torch.equal(video, other)
    torch.testing.assert_close(other, alone(embedder, Content("a cat", instruction="Find the clip.")), rtol=1e-4, atol=1e-5)


def test_an_animated_picture_is_a_video_where_one_is_asked_for(embedder, tmp_path):
    first, *others = (Image.new("RGB", (56, 56), colour) for colour in ("red", "green", "blue"))
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=500)
    first.save(tmp_path / "still.png")
    video, image, still = embedder.embed([{"video": tmp_path / "a.gif"}, tmp_path / "a.gif", tmp_path / "still.png"])
    torch.testing.assert_close(image, still, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(video, image, atol=1e-3)


def test_sound_alone_is_told(embedder, tmp_path):
    (tmp_path / "song.mp4").write_bytes(song())
    message = r"item 1 cannot be embedded: the video holds sound alone \(aac\) and no picture"
    with pytest.raises(DataError, match=message):
        embedder.embed(["a cat", tmp_path / "song.mp4"])


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (7, "item 1 must be a text, a Path, a Pillow image or a mapping of text, image, video.*, instruction, but is 'int'"),
        ({"picture": "a.png"}, "item 1 must be .* a mapping of text, image, video.*, instruction, but is 'picture'"),
        ("  ", "item 1 must be a text, a medium or both, but is 'empty'"),
        (Path("notes.txt"), "item 1 must be a file whose suffix tells one of image, video.*, but is 'notes.txt'. Say {'image': path}"),
        (Path("gone.png"), "item 1 cannot be read: .*No such file.*gone.png"),
        (
            {"image": b"bytes"},
            "the image of item 1 must be a Path, the name of a file or a Pillow image, but is 'bytes'. Of an array or of bytes",
        ),
        ({"image": np.zeros((9, 9, 3))}, "the image of item 1 must be .*, but is 'ndarray'. .* Image.fromarray"),
        ({"image": [["one.png"]]}, "the image of item 1 must be .*, but is 'list'"),
        ({"image": "one\0.png"}, "item 1 cannot be read: embedded null byte"),
        ({"video": Image.new("RGB", (9, 9))}, "the video of item 1 must be a Path or the name of a file, but is 'Image'"),
        ({"text": 5}, "the text of item 1 must be a string, but is 'int'"),
        ({"text": ["a", "b"]}, "the text of item 1 must be a string, but is 'list'"),
        ({"text": b"a"}, "the text of item 1 must be a string, but is 'bytes'"),
        ({"text": float("nan"), "image": None}, "item 1 must be a text, a medium or both, but is 'empty'"),
        ({"text": "a", "instruction": 5}, "the instruction of item 1 must be a string, but is 'int'"),
        ("half a pair \ud83d", r"the text of item 1 must be Unicode, but is .*ud83d.*surrogates not allowed"),
        (Image.new("RGB", (201, 1)), "item 1 cannot be embedded: the image of 201 x 1 pixels cannot be resized .*aspect ratio"),
        ({"image": [photograph()] * 400}, r"item 1 cannot be embedded: a content must be at most encoder.max_length \(\d+\) tokens long"),
    ],
)
def test_what_cannot_be_embedded_is_named(embedder, item, message):
    with pytest.raises(DataError, match=message):
        embedder.embed(["a cat", item])


def test_the_empty_fields_of_a_table_are_nothing(embedder, files):
    nan, path = float("nan"), str(files / "one.png")
    rows = [
        {"text": "a cat", "image": nan, "instruction": nan},
        {"text": nan, "image": path},
        {"text": None, "image": [path], "video": nan},
    ]
    assert (embedder.embed(rows) == embedder.embed(["a cat", Path(path), Path(path)])).all()


@pytest.mark.parametrize("items", [5, None, b"a cat", Path("one.png"), {"text": "a cat"}])
def test_what_are_no_items_are_refused(embedder, items):
    with pytest.raises(DataError, match=rf"items must be a list or another iterable of items, but is '{type(items).__name__}'"):
        embedder.embed(items)


def test_a_table_is_no_list_of_items(embedder):
    class Table(list):
        columns = ("text",)

    with pytest.raises(DataError, match=r"items must be a list .*, but is 'Table'. Of a table, pass a column, or its rows: table.to_dict"):
        embedder.embed(Table(["text"]))


def test_a_place_in_a_text_is_text_unless_it_is_said_to_be_one(embedder):
    literal, place = {"image": photograph(), "text": "like <|IMAGE|> but red"}, Medium(Modality.IMAGE, np.asarray(photograph())[None], 1)
    as_text, alone_text = embedder.embed([literal, "<|IMAGE|> <|INSTRUCTION|> <|im_end|>"])
    torch.testing.assert_close(as_text, alone(embedder, Content(r"like <\|IMAGE|> but red", (place,))), rtol=1e-4, atol=1e-5)
    expected = alone(embedder, Content(r"<\|IMAGE|> <\|INSTRUCTION|> <|im_end|>"))
    torch.testing.assert_close(alone_text, expected, rtol=1e-4, atol=1e-5)
    (placed,) = embedder.embed([literal], has_places=True)
    torch.testing.assert_close(placed, alone(embedder, Content("like <|IMAGE|> but red", (place,))), rtol=1e-4, atol=1e-5)
    assert not torch.equal(placed, as_text)


@pytest.mark.parametrize(
    "text", ["\0", "a\0.png", "a" * 300 + ".png", "a" * 100_000, "\u202eשלם", "e" + "\u0301" * 500, "\ufeffa", "\uffff"]
)
def test_any_text_has_an_embedding(embedder, text):
    assert torch.linalg.norm(embedder.embed([text])) == pytest.approx(1, abs=1e-4)


def test_a_single_item_and_a_file_name_as_text_are_refused(embedder, files):
    with pytest.raises(DataError, match=r"items must be a list or another iterable of items, but is 'str'. For one item, pass \[item\]"):
        embedder.embed("a cat")
    message = r"item 0 must be plainly a text or a file, .*For the file pass Path\(...\); for the text {'text': ...}"
    with pytest.raises(DataError, match=message):
        embedder.embed([str(files / "one.png")])
    assert embedder.embed([{"text": str(files / "one.png")}]).shape == (1, embedder.dim)


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
