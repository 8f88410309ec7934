"""What is counted without memory, against models that have some."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count
from transformers import AutoModel, AutoTokenizer

from tests.encoder.checkpoints import OF_GRIDS, save_family, save_fast_vlm, tiny
from unite.batch import MicroBatch
from unite.config.schema import EncoderConfig, LoRAConfig
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError
from unite.planning.architectures import architecture_of
from unite.planning.counted import CountedModel

aten = torch.ops.aten
#: Kernels that torch's counter knows under the names that they have on a GPU alone.
OF_A_CPU = {
    aten._scaled_dot_product_flash_attention_for_cpu: lambda query, key, value, *_, **__: sdpa_flop_count(query, key, value),
    aten._scaled_dot_product_flash_attention_for_cpu_backward: lambda grad, query, key, value, *_, **__: sdpa_backward_flop_count(
        grad, query, key, value
    ),
    aten._grouped_mm: lambda left, right, *_, **__: 2 * left[0] * left[1] * right[-1],
}


@pytest.fixture(scope="module", params=OF_GRIDS)
def folder(request, tmp_path_factory):
    tokenizer = AutoTokenizer.from_pretrained(tiny(tmp_path_factory.mktemp("tiny")))
    return save_family(request.param, tmp_path_factory.mktemp(request.param), tokenizer)


def counted(folder, dtype=torch.bfloat16, **options):
    config, family, _ = architecture_of(str(folder))
    return CountedModel(config, family, EncoderConfig(path=str(folder), **options), dtype)


@pytest.mark.parametrize(
    ("name", "total"),  # as the hub shows the safetensors of each, without the head where it is not tied
    [
        ("Qwen/Qwen2-VL-2B-Instruct", 2_208_985_600),
        ("Qwen/Qwen2-VL-7B-Instruct", 8_291_375_616 - 152_064 * 3584),
        ("Qwen/Qwen2.5-VL-3B-Instruct", 3_754_622_976),
        ("Qwen/Qwen2.5-VL-7B-Instruct", 8_292_166_656 - 152_064 * 3584),
        ("Qwen/Qwen3-VL-2B-Instruct", 2_127_532_032),
    ],
)
def test_models_known_by_name_have_the_parameters_that_were_published(name, total):
    model = counted(name)
    assert model.num_parameters == total
    assert {parameter.device.type for parameter in model.model.parameters()} == {"meta"}


def test_what_sharded_weights_have_gathered_at_once():
    width, narrow, inner = 1536, 2 * 128, 8960
    words = 151936 * width
    layer = (width + 1) * width + 2 * (width + 1) * narrow + width * width + 3 * width * inner + 2 * width
    frozen = counted("Qwen/Qwen2-VL-2B-Instruct", adapter=LoRAConfig(r=8, targets=["language"]))
    rest, two_layers, trained = frozen.gathered
    adapters = 8 * (2 * (width + width) + 2 * (width + narrow) + 3 * (width + inner))
    assert trained == adapters and two_layers == 2 * (words + layer) + 4 * adapters
    merger = (5120 + 1) * 5120 + (5120 + 1) * width + 2 * 1280
    assert rest == 2 * (merger + 1280 * 3 * 2 * 14 * 14 + width)  # the patches, and the last norm


def test_a_name_that_nobody_knows_is_refused_with_those_that_are():
    with pytest.raises(CheckpointError, match=r"encoder.path must be a checkpoint on this machine, or one of Qwen/Qwen2-VL-2B-Instruct"):
        architecture_of("nobody/knows-this")


def test_a_tower_that_takes_no_patches_is_refused(tmp_path):
    folder = save_fast_vlm(tmp_path, AutoTokenizer.from_pretrained(tiny(tmp_path / "tiny")))
    with pytest.raises(CheckpointError, match="the vision tower of a model to be planned must be one of patches.* but is 'timm_wrapper'"):
        architecture_of(str(folder))


@pytest.mark.parametrize("options", [{}, {"adapter": None}, {"adapter": None, "train_vision": True}, {"adapter": LoRAConfig(r=2)}])
def test_parameters_are_those_of_the_model(folder, options):
    encoder = VLMEncoder(str(folder), **options)
    encoder.add_adapter()
    model = counted(folder, **options)
    assert model.num_parameters == AutoModel.from_pretrained(folder).num_parameters()
    assert model.num_trained == sum(parameter.numel() for parameter in encoder.parameters() if parameter.requires_grad)
    assert model.vision_is_trained == (not encoder.vision_is_frozen)


def test_of_a_quantised_model_the_linear_layers_of_its_language_model_are_in_four_bits():
    model = counted("Qwen/Qwen2-VL-7B-Instruct", quantization="nf4")
    each = 2 * 3584 * 3584 + 2 * 3584 * 512 + 3 * 3584 * 18944
    assert model.num_quantised == 28 * each


@pytest.mark.parametrize("checkpointing", [False, True])
def test_operations_and_kept_activations_are_those_of_a_real_pass(folder, checkpointing):
    """In bfloat16, as on a GPU: on a CPU float32 goes through products that torch's counter does not know."""
    encoder = VLMEncoder(str(folder), dtype="bfloat16", gradient_checkpointing=checkpointing)
    encoder.add_adapter()
    encoder.train()
    own = {parameter.untyped_storage().data_ptr() for parameter in encoder.parameters()}
    kept = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)  # held, so that no other takes its place
        return tensor

    ids = torch.full((4, 64), 5)
    texts = MicroBatch(torch.arange(4), ids, torch.zeros_like(ids), torch.ones_like(ids))
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=OF_A_CPU) as forward:
            encoder(texts)
        with FlopCounterMode(display=False, custom_mapping=OF_A_CPU) as both:
            with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
                embeddings = encoder(texts)
            embeddings.sum().backward()
    found = counted(folder, gradient_checkpointing=checkpointing).language(4, 64)
    assert found.tokens == 256
    assert found.forward == pytest.approx(forward.get_total_flops(), rel=0.15)
    assert found.forward + found.backward == pytest.approx(both.get_total_flops(), rel=0.15)
    assert found.kept == pytest.approx(sum(size for size, _ in kept.values()), rel=0.15)


@pytest.mark.parametrize("folder", ["qwen3_vl_moe"], indirect=True)  # whose experts have products of their own
@pytest.mark.parametrize(
    ("options", "least"),  # what is trained is float32 in both, and with it what it leaves
    [({"adapter": None}, 1.0), ({"gradient_checkpointing": False}, 1.2)],
)
def test_in_float32_there_are_as_many_operations_and_what_is_kept_takes_twice_the_bytes_at_most(folder, options, least):
    exact, half = (counted(folder, dtype, **options).language(4, 64) for dtype in (torch.float32, torch.bfloat16))
    assert (exact.forward, exact.backward) == (half.forward, half.backward)
    assert least * half.kept < exact.kept <= 2 * half.kept


def test_the_tower_takes_what_its_real_pass_takes(folder):
    encoder = VLMEncoder(str(folder), dtype="bfloat16")
    side = 4
    patches = 2 * side * side
    vision = encoder.model.config.vision_config
    media = {
        "patches": torch.zeros(patches, 3 * vision.temporal_patch_size * vision.patch_size**2, dtype=torch.uint8),
        "grids": torch.tensor([[1, side, side]] * 2),
        "intervals": torch.zeros(2),
        "modalities": torch.full((2,), 2),
        "fingerprints": torch.arange(2),
    }
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=OF_A_CPU) as real:
        encoder.family.see(encoder.model, media)
    assert counted(folder).vision(2, side * side).forward == pytest.approx(real.get_total_flops(), rel=0.15)
