"""What `suite=mteb_unite` has an encoder read, against mteb's own UNITE model on the same weights."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer

from tests.composed import composed
from tests.encoder.checkpoints import save_family, tiny
from unite.build.encoder import build_trained_encoder
from unite.embedding.embed import embed_contents
from unite.types import Content, Medium, Modality

pytest.importorskip("mteb")
from mteb.models.model_implementations import unite_models

#: As the checkpoint's chat template writes it, which the tiny one lacks; mteb's model adds the rest of the turn itself.
TURN = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
MARKS = {"image": "<|vision_start|><|image_pad|><|vision_end|>", "video": "<|vision_start|><|video_pad|><|vision_end|>"}


class OldVision:
    """The tower as mteb's code, of transformers 4, calls it."""

    def __init__(self, tower):
        self.tower = tower

    def get_dtype(self):
        return torch.float32

    def __call__(self, pixels, grid_thw):
        return self.tower(pixels, grid_thw=grid_thw).pooler_output


def write_turn(messages, **_):
    return TURN.format("".join(MARKS.get(part["type"], part.get("text", "")) for part in messages[0]["content"]))


def mteb_s(folder, weights, monkeypatch):
    """mteb's wrapper with the sizes that it sets, beside what it sets for transformers 5."""
    wrapper = unite_models.UniteWrapper.__new__(unite_models.UniteWrapper)
    wrapper.device = "cpu"
    wrapper.model = unite_models._build_unite_model(str(folder), None, dtype=torch.float32).eval()
    wrapper.model.model.load_state_dict(weights)
    type(wrapper.model).visual = property(lambda model: OldVision(model.model.visual))
    wrapper.processor = AutoProcessor.from_pretrained(folder)
    wrapper.processor.image_processor.size = {"shortest_edge": 256 * 28 * 28, "longest_edge": 1280 * 28 * 28}
    wrapper.processor.video_processor.size = {"shortest_edge": 128 * 28 * 28, "longest_edge": 360 * 420}
    monkeypatch.setattr(wrapper.processor, "apply_chat_template", write_turn)
    return wrapper


def test_unite_s_weights_give_the_embeddings_of_mteb_s_own_unite_model(tmp_path, monkeypatch):
    folder = save_family("qwen2_vl", tmp_path, AutoTokenizer.from_pretrained(tiny(tmp_path / "tiny")))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "unite_qwen2_vl"}))  # as UNITE's released weights say
    asked = ["suite=mteb_unite", "suite.tasks=[STS12]", "encoder.dtype=float32", "device=cpu"]
    ours, otherwise = (
        build_trained_encoder(composed("evaluate", f"checkpoint={folder}", *asked, *more)).eval()
        for more in ([], ["encoder.override.positions=mrope"])
    )
    (folder / "config.json").write_text(json.dumps(config))
    theirs = mteb_s(folder, ours.model.state_dict(), monkeypatch)
    chance = np.random.default_rng(0)
    picture, film = (chance.integers(0, 255, size, np.uint8) for size in ((200, 300, 3), (6, 90, 120, 3)))  # a frame of 10,800 pixels
    image, video = Medium(Modality.IMAGE, picture[None], 1), Medium(Modality.VIDEO, film, 2, tuple(map(float, range(6))))
    given = {"texts": ["a red dog"], "images": [Image.fromarray(picture)], "videos": [torch.from_numpy(film).permute(0, 3, 1, 2)]}
    asked_for = {
        ("texts",): Content("a red dog"),
        ("images",): Content(media=(image,)),
        ("videos",): Content(media=(video,)),
        ("images", "texts"): Content("<|IMAGE|>a red dog", (image,)),
        ("videos", "texts"): Content("<|VIDEO|>a red dog", (video,)),
    }
    contents = list(asked_for.values())
    with torch.no_grad():
        expected = torch.cat([theirs._embed_batch(**{name: given[name] for name in names}) for names in asked_for])
    torch.testing.assert_close(embed_contents(ours, contents), expected, rtol=0, atol=1e-5)
    assert (embed_contents(otherwise, contents) - expected).abs().amax(dim=1)[1:].min() > 1e-3  # other positions are told apart
