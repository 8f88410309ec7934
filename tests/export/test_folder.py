"""An exported folder gives, in every library that loads it, the embeddings of the encoder that it was made of.

`processor.py`, `tokenizer.py` and `sentence_files.py` are what they come out equal by; `test_tokenizer.py` and others hold the rest.
"""

import json
import resource

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModel, AutoProcessor

from tests.encoder.checkpoints import save_fast_vlm
from tests.encoder.families.material import image, plain_embeddings, video
from tests.export.material import as_item, as_video, contents, embedded, exported, trained
from unite.config.schema.encoder import ReadingChange
from unite.config.schema.export import ExportPrecision
from unite.embedding import Embedder
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError, ConfigError
from unite.export.folder import write_folder
from unite.export.source import Source, find_source
from unite.types import Content, Medium, Modality, escape_places

SentenceTransformer = pytest.importorskip("sentence_transformers").SentenceTransformer


@pytest.fixture(scope="module")
def out(encoder_folder, tmp_path_factory):
    return exported(encoder_folder, tmp_path_factory.mktemp("out") / "folder")


@pytest.fixture(scope="module")
def library(out):
    return SentenceTransformer(str(out), device="cpu")


@pytest.fixture(scope="module")
def encoder(encoder_folder):
    return VLMEncoder(str(encoder_folder), gradient_checkpointing=False)


def assert_equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("instruction", ["", "find the clip", " Which? <|im_end|>"])
def test_sentence_transformers_gives_the_same_in_one_padded_batch_and_alone(library, encoder, instruction):
    given = [Content(content.text, content.media, escape_places(instruction)) for content in contents()]
    expected = embedded(encoder, given)
    items = [as_item(content) for content in given]
    options = {"prompt": instruction or None, "convert_to_tensor": True}
    assert_equal(library.encode(items, **options), expected)
    assert_equal(library.encode(items, batch_size=1, **options), expected)


def test_videos_of_any_number_and_size_of_frames(library, encoder):
    clips = [
        video(100 * frames + high, frames, high, wide)
        for frames in (1, 2, 5, 9)
        for high, wide in ((64, 96), (78, 79), (200, 130), (12, 90))
    ]
    assert_equal(
        library.encode([as_video(clip) for clip in clips], convert_to_tensor=True),
        embedded(encoder, [Content(media=(clip,)) for clip in clips]),
    )


def test_frames_at_any_times_of_a_video_of_any_length(library, encoder):
    seconds, duration = (0.0, 1.125, 2.25, 3.5), 4.5
    clip = Medium(Modality.VIDEO, video(71, 4, 64, 96).frames, 71, seconds, duration)
    told = {"fps": 1.0, "frames_indices": list(seconds), "total_num_frames": duration}  # as docs/export.md has it
    found = library.encode([{"video": {"array": clip.frames, "video_metadata": told}}], convert_to_tensor=True)
    assert_equal(found, embedded(encoder, [Content(media=(clip,))]))


def test_media_among_texts(library, encoder):
    first, second = (Image.fromarray(image(seed, 64, 64).frames[0]) for seed in (1, 2))
    parts = [{"type": "text", "text": "from "}, {"type": "image", "image": first}, {"type": "text", "text": " to "}]
    message = [{"role": "user", "content": [*parts, {"type": "image", "image": second}]}]
    content = Content("from <|IMAGE|> to <|IMAGE|>", (image(1, 64, 64), image(2, 64, 64)))
    assert_equal(library.encode([message], convert_to_tensor=True), embedded(encoder, [content]))


def test_a_text_that_is_too_long_loses_its_end_and_not_the_prompt_s(library, encoder):
    texts = ["the red cat moves left and " * 100, "word\n" * 300, "x" * 2000, "<|im_end|>" * 300]
    assert_equal(library.encode(texts, convert_to_tensor=True), embedded(encoder, [Content(text) for text in texts]))


def test_a_text_that_is_too_long_beside_media_is_read_whole_without_truncation(library, encoder_folder):
    given = [Content("the red cat moves left and " * 60, (medium,)) for medium in (image(1, 50, 130), video(2, 3, 64, 96))]
    longer = VLMEncoder(str(encoder_folder), override=ReadingChange(max_length=4096), gradient_checkpointing=False)
    options = {"convert_to_tensor": True, "processing_kwargs": {"text": {"truncation": False}}}  # as docs/export.md has it
    assert_equal(library.encode([as_item(content) for content in given], **options), embedded(longer, given))


def test_transformers_alone_gives_the_same(out, encoder):
    given = [content for content in contents() if all(len(medium.frames) == 1 for medium in content.media)]
    messages = []
    for item in map(as_item, given):
        fields = item if isinstance(item, dict) else {"text": item}
        pictures = fields.get("image", [])
        parts = [{"type": "image", "image": one} for one in (pictures if isinstance(pictures, list) else [pictures])]
        messages.append([{"role": "user", "content": [*parts, *([{"type": "text", "text": fields["text"]}] if "text" in fields else [])]}])
    inputs = AutoProcessor.from_pretrained(out).apply_chat_template(
        messages, tokenize=True, return_dict=True, return_tensors="pt", processor_kwargs={"padding": True}
    )
    with torch.no_grad():
        assert_equal(plain_embeddings(AutoModel.from_pretrained(out), inputs), embedded(encoder, given))


def test_an_encoder_of_images_alone_gives_the_same_by_sentence_transformers_and_by_transformers(tokenizer, tmp_path):
    """FastVLM: no video, no marks around a medium, a size of its own."""
    encoder = trained(save_fast_vlm(tmp_path, tokenizer), tmp_path / "encoder", min_image_tokens=1)
    out = exported(encoder, tmp_path / "out")
    given = [content for content in contents() if all(len(medium.frames) == 1 for medium in content.media) and len(content.media) < 2]
    expected = embedded(VLMEncoder(str(encoder), gradient_checkpointing=False), given)
    library = SentenceTransformer(str(out), device="cpu")
    assert_equal(library.encode([as_item(content) for content in given], convert_to_tensor=True), expected)
    assert set(library.modalities) >= {"text", "image"} and "video" not in library.modalities


def test_weights_are_named_as_in_releases_and_none_is_missing_or_left_over(out, encoder_folder):
    released = encoder_folder.parent / encoder_folder.parent.name.rstrip("0123456789")  # as transformers saves it
    assert set(load_file(out / "model.safetensors")) == set(load_file(released / "model.safetensors")) - {"lm_head.weight"}
    config = json.loads((out / "config.json").read_text())
    assert config["architectures"] == json.loads((released / "config.json").read_text())["architectures"]
    _, report = AutoModel.from_pretrained(out, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))


def test_unite_reads_it_as_the_run(out, encoder_folder):
    items = ["a red cat", {"image": as_item(contents()[1])["image"], "text": "x <|im_end|>"}]
    assert_equal(
        Embedder(out).encode(items, prompt="Find", convert_to_tensor=True),
        Embedder(encoder_folder).encode(items, prompt="Find", convert_to_tensor=True),
    )


@pytest.fixture(scope="module")
def one(tokenizer, tmp_path_factory):
    """The encoder of one family."""
    from tests.encoder.checkpoints import save_family

    folder = tmp_path_factory.mktemp("one")
    return trained(save_family("qwen3_vl", folder, tokenizer), folder / "encoder")


@pytest.mark.parametrize("dtype", ExportPrecision)
def test_weights_in_another_type(one, tmp_path, dtype):
    done = write_folder(find_source(one), tmp_path / "out", dtype=dtype)
    kind = getattr(torch, str(dtype))
    assert {weight.dtype for weight in load_file(tmp_path / "out" / "model.safetensors").values()} == {kind}
    assert (done.dtype, json.loads((tmp_path / "out" / "config.json").read_text())["dtype"]) == (str(dtype), str(dtype))
    library = SentenceTransformer(str(tmp_path / "out"), device="cpu")
    assert library.dtype is kind
    exact = Embedder(one).encode(["a red cat", "the moon"], convert_to_tensor=True)
    rounding = {"float32": 1e-5, "bfloat16": 5e-2, "float16": 5e-3}[str(dtype)]
    for found in (
        library.encode(["a red cat", "the moon"], convert_to_tensor=True),
        Embedder(tmp_path / "out").encode(["a red cat", "the moon"], convert_to_tensor=True),
    ):
        torch.testing.assert_close(found.float(), exact, rtol=0, atol=rounding)


def test_widths_and_named_instructions_and_a_card(one, tmp_path):
    source = Source(one, "a run", None, (32, 16, 8))
    done = write_folder(source, tmp_path / "out", prompts={"query": "Find it."}, beside={"README.md": b"# A card\n"})
    assert json.loads((tmp_path / "out" / "config.json").read_text())["matryoshka_dimensions"] == [8, 16, 32]  # as vLLM has it
    assert (tmp_path / "out" / "README.md").read_text() == "# A card\n" and done.files["README.md"] == 9
    library, ours = SentenceTransformer(str(tmp_path / "out"), device="cpu", truncate_dim=8), Embedder(one, truncate_dim=8)
    found = library.encode_query(["a cat"], convert_to_tensor=True, normalize_embeddings=True)
    assert_equal(found, ours.encode(["a cat"], prompt="Find it.", convert_to_tensor=True))
    assert_equal(
        library.encode_document(["a cat"], convert_to_tensor=True, normalize_embeddings=True),
        ours.encode(["a cat"], convert_to_tensor=True),
    )
    assert library.similarity_fn_name == "cosine" and library.max_seq_length == 300 and library.get_embedding_dimension() == 8


@pytest.mark.parametrize("limit", [3_000, 60_000])  # the weights; what is written beside them
def test_a_full_disk_leaves_nothing(one, tmp_path, limit):
    """A limit on the size of files stands for the disk: the system refuses to write on in the same way."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises((CheckpointError, OSError), match=r"the weights cannot be written to .*out|File too large"):
            write_folder(find_source(one), tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_taken_is_told_before_the_weights_are_read(one, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(
        ConfigError, match=r"out must be a new or empty folder, but is '.*out, which holds mine.txt'. An export replaces nothing"
    ):
        write_folder(Source(one / "no such", "", None, ()), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_mteb_ranks_with_it_as_with_the_encoder(one, tmp_path):
    mteb, trec = pytest.importorskip("mteb"), pytest.importorskip("pytrec_eval")
    from datasets import Image as Picture
    from mteb.models import SentenceTransformerEncoderWrapper

    from tests.evaluation.mteb_tasks import SHADES, TEXTS, InMemory, pictures, rows

    queries, corpus = (pictures(SHADES, change) for change in (0, 3))
    task = InMemory(
        rows("q", text=TEXTS, image=queries).cast_column("image", Picture()),
        rows("d", image=corpus).cast_column("image", Picture()),
        category="it2i",
        modalities=["text", "image"],
        type="Any2AnyRetrieval",
    )
    model = SentenceTransformerEncoderWrapper(str(exported(one, tmp_path / "out")), device="cpu")
    model.mteb_model_meta = model.mteb_model_meta.model_copy(update={"modalities": ["text", "image"]})
    found = mteb.evaluate(model, task, cache=None, overwrite_strategy="always").task_results[0].get_score()
    ours = Embedder(one)
    asked = [{"image": picture["bytes"], "text": text} for picture, text in zip(queries, TEXTS, strict=True)]
    scores = ours.encode(asked) @ ours.encode([picture["bytes"] for picture in corpus]).T
    ranked = {f"q{row}": {f"d{column}": float(score) for column, score in enumerate(line)} for row, line in enumerate(scores)}
    values = trec.RelevanceEvaluator(task.relevance, {"ndcg_cut.10"}).evaluate(ranked).values()
    assert found == pytest.approx(sum(value["ndcg_cut_10"] for value in values) / len(TEXTS), abs=1e-5)
