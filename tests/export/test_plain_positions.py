"""An encoder of plain positions, exported: equal in libraries that know nothing of them."""

import pytest
import torch
from transformers import AutoProcessor

from tests.encoder.checkpoints import save_family
from tests.export.material import as_item, contents, embedded, exported, trained
from unite.config.prompts import prompt_options
from unite.config.schema.encoder import ReadingChange
from unite.embedding import Embedder
from unite.encoder.checkpoint import PROCESSOR_FOLDER
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError
from unite.export.plain_positions import MARK
from unite.export.proof import check_tokens
from unite.types import Content, Modality

SentenceTransformer = pytest.importorskip("sentence_transformers").SentenceTransformer


@pytest.mark.parametrize(("family", "prompt"), [("qwen2_vl", "vlm2vec"), ("qwen3_vl", "unite")])
def test_every_library_gives_the_embeddings_of_the_encoder(family, prompt, tokenizer, tmp_path):
    options = prompt_options(prompt) | {"positions": "sequential"}
    folder = trained(save_family(family, tmp_path, tokenizer), tmp_path / "encoder", **options)
    out = exported(folder, tmp_path / "out")
    encoder = VLMEncoder(str(folder), gradient_checkpointing=False)
    given = [*contents(), Content("image_pad <|im_end|>")]
    items = [*map(as_item, contents()), f"{MARK}image_pad{MARK}{MARK}{MARK} <|im_end|>"]  # the mark is no character, and is left out
    expected = embedded(encoder, given)
    library = SentenceTransformer(str(out), device="cpu")
    for size in (1, 32):
        found = library.encode(items, batch_size=size, convert_to_tensor=True)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    pictures = [item for item in items if "video" not in item][:4]
    ours = [Embedder(place).encode(pictures, prompt="Find", convert_to_tensor=True) for place in (folder, out)]
    torch.testing.assert_close(*ours, rtol=0, atol=0)
    torch.testing.assert_close(library.encode(pictures, prompt="Find", convert_to_tensor=True), ours[0], rtol=0, atol=1e-5)
    if prompt == "unite":  # by the grid they would be others
        by_grid = VLMEncoder(str(folder), override=ReadingChange(positions="mrope"), gradient_checkpointing=False)
        assert (embedded(by_grid, given[1:2]) - expected[1:2]).abs().max() > 1e-3
        of_grid = exported(trained(tmp_path / family, tmp_path / "grid"), tmp_path / "grid_out")
        with pytest.raises(
            CheckpointError, match=r"the positions of an encoder to export must be mrope, but is 'sequential'. This version"
        ):
            check_tokens(of_grid, encoder.processor, "unite", is_plain=True)


def test_the_names_of_media_are_gone_and_their_ids_stay(tokenizer, tmp_path):
    folder = trained(save_family("qwen2_vl", tmp_path, tokenizer), tmp_path / "encoder", positions="sequential")
    made = AutoProcessor.from_pretrained(exported(folder, tmp_path / "out")).tokenizer
    pad = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert made("<|image_pad|>").input_ids == [pad] and made.convert_tokens_to_ids("<|image_pad|>") is None
    assert len(made) == len(tokenizer)


def test_a_family_that_writes_times_into_videos_needs_marks(tokenizer, tmp_path):
    folder = trained(save_family("qwen3_vl", tmp_path, tokenizer), tmp_path / "encoder", **prompt_options("vlm2vec"))
    with pytest.raises(CheckpointError, match=r"media in the prompt vlm2vec must be between marks, but is 'without .* unite.embedding"):
        exported(folder, tmp_path / "out")


@pytest.mark.parametrize("prompt", ["vlm2vec", "unite"])
def test_a_family_whose_positions_are_always_plain_is_written_as_ever(prompt, tokenizer, tmp_path):
    options = prompt_options(prompt) | {"positions": "sequential", "min_image_tokens": 1}
    folder = trained(save_family("fast_vlm", tmp_path, tokenizer), tmp_path / "encoder", **options)
    out = exported(folder, tmp_path / "out")
    assert not (out / PROCESSOR_FOLDER).exists()
    given = [content for content in contents() if all(medium.modality is Modality.IMAGE for medium in content.media)]
    expected = embedded(VLMEncoder(str(folder), gradient_checkpointing=False), given)
    found = SentenceTransformer(str(out), device="cpu").encode([*map(as_item, given)], convert_to_tensor=True)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
