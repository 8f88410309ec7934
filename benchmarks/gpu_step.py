"""The step at Qwen2-VL-2B's real size on a CUDA GPU: random weights, bf16, LoRA of rank 8, images of at least 256 tokens.

    python -m benchmarks.gpu_step [--quick]

`--quick` takes a toy width, and a CPU where there is no GPU: it shows that the benchmark runs and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.utilities import move_data_to_device
from transformers import AutoConfig, AutoModel, AutoProcessor

from benchmarks.loss import TEMPERATURE
from benchmarks.step import collated, prepare
from unite.batch import Batch
from unite.config.schema import LoRAConfig, MAMCLConfig
from unite.encoder.vlm import VLMEncoder
from unite.objective import MAMCL
from unite.training.step import ContrastiveStep, count_tokens

#: Qwen2-VL-2B-Instruct's config.json.
TEXT: dict[str, Any] = {
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
}
TEXT |= {"vocab_size": 151936, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}}
VISION = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "mlp_ratio": 4, "hidden_size": 1536}
#: Dense bf16 operations a second of a chip, by a part of its name (data sheets).
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}


@dataclass(frozen=True)
class Variant:
    """How a step is measured: of `contents` contents, whose activations are kept or not (`graph_tokens`), and so many times."""

    contents: int
    attention: str = "sdpa"
    graph_tokens: int | str = 1
    repeats: int = 3


#: By a part of its key. `varlen` pads nothing, `kept` keeps all activations that there is memory for.
VARIANTS = {
    "512": Variant(512),
    "512_varlen": Variant(512, attention="varlen"),
    "512_kept": Variant(512, graph_tokens="auto"),
    "2048": Variant(2048, repeats=1),
}


def run(quick: bool) -> dict[str, float]:
    """Measures samples a second, peak memory and the share of the chip's bf16 peak; keys `gpu_step_<variant>_...`."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        _save(Path(folder), quick, device)
        for name, variant in ({"32": Variant(32, repeats=1)} if quick else VARIANTS).items():
            encoder = _encoder(folder, variant.attention, quick, device)
            _, examples = prepare(variant.contents // 2)
            batch = collated(encoder, examples, token_budget=4096 if quick else 16384)
            results |= {f"gpu_step_{name}_{key}": value for key, value in _measure(encoder, batch, device, variant).items()}
    return results


def _save(folder: Path, quick: bool, device: torch.device) -> None:
    """Saves a random checkpoint of the real size, with the tiny one's tokenizer."""
    tiny, _ = prepare(16)
    config = AutoConfig.from_pretrained(tiny.model.name_or_path)
    if not quick:
        for part, values in ((config.text_config, TEXT), (config.vision_config, VISION)):
            for name, value in values.items():
                setattr(part, name, value)
        if getattr(config.text_config, "layer_types", None):  # one for each layer
            config.text_config.layer_types = ["full_attention"] * TEXT["num_hidden_layers"]
    with torch.device(device):
        AutoModel.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    AutoProcessor.from_pretrained(tiny.model.name_or_path).save_pretrained(folder)


def _encoder(folder: str, attention: str, quick: bool, device: torch.device) -> VLMEncoder:
    """Loads it as any other."""
    encoder = VLMEncoder(
        folder,
        adapter=LoRAConfig(),
        attention=attention,
        dtype="bfloat16",
        gradient_checkpointing=False,
        min_image_tokens=4 if quick else 256,
    )
    encoder.add_adapter()
    return encoder.to(device).train()


def _measure(encoder: VLMEncoder, batch: Batch, device: torch.device, variant: Variant) -> dict[str, float]:
    batch = move_data_to_device(batch, device)
    step = ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=TEMPERATURE)), variant.graph_tokens)
    for _ in range(3 if variant.graph_tokens == "auto" else 1):  # whatever is done once; `auto` measures in the second
        step(batch, torch.Tensor.backward)
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    for _ in range(variant.repeats):
        step(batch, torch.Tensor.backward)
    if device.type == "cuda":
        torch.cuda.synchronize()
    seconds = (time.perf_counter() - start) / variant.repeats
    real, padded = count_tokens(batch.micro_batches)
    peak = [value for name, value in PEAKS.items() if device.type == "cuda" and name in torch.cuda.get_device_name()]
    measured = {
        "samples_per_second": batch.relations.num_rows / seconds,
        "tokens_per_second": int(real) / seconds,
        "padded_share": 1 - int(real) / padded,
    }
    if device.type == "cuda":
        measured["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
    share_replayed = step.num_replayed(batch) / len(batch.micro_batches)
    return measured | ({"share_of_bf16_peak": _operations(encoder, batch, share_replayed) / seconds / peak[0]} if peak else {})


def _operations(encoder: VLMEncoder, batch: Batch, share_replayed: float) -> float:
    """Counts what a step must do: 2 operations a weight and token forward, 2 more for what is passed again, and 2 for the gradient at the
    activations of the language model; attention's own products and the adapters are left out. The frozen tower runs once."""
    language = sum(
        p.numel() for name, p in encoder.model.language_model.named_parameters() if "embed_tokens" not in name and "lora" not in name
    )
    vision = sum(p.numel() for p in encoder.model.visual.parameters())
    tokens, _ = count_tokens(batch.micro_batches)
    seen: dict[tuple[int, int], int] = {}
    for micro in batch.micro_batches:
        sizes = micro.media["grids"].prod(-1).tolist() if micro.media else []
        seen |= dict(zip(micro.media_names, sizes, strict=True))
    return float((4 + 2 * share_replayed) * language * int(tokens) + 2 * vision * sum(seen.values()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    arguments: Any = parser.parse_args()
    print(json.dumps(run(arguments.quick), indent=2))
