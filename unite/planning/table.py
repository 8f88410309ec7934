"""A plan as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from unite.planning.plan import StagePlan


def table(plans: Sequence[StagePlan], title: str, *, has_times: bool = True) -> Table:
    """Returns a table, a column a stage; with `has_times` how long it would take, too."""
    view = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    view.add_column("of a step, and of one device")
    for plan in plans:
        view.add_column(plan.name, justify="right")
    rows: list[tuple[str, list[str]]] = [
        ("contents, over all devices", [f"{sum(some.number for some in plan.contents):,.0f}" for plan in plans]),
        *((f"  {kind}", [_of_kind(plan, kind) for plan in plans]) for kind in dict.fromkeys(s.kind for p in plans for s in p.contents)),
        ("tokens", [f"{plan.tokens:,.0f}" for plan in plans]),
        ("  of media", [f"{plan.visual_tokens:,.0f}" for plan in plans]),
        ("parameters", [f"{_scaled(plan.num_parameters)}" for plan in plans]),
        ("  trained", [f"{_scaled(plan.num_trained)}" for plan in plans]),
        *((f"memory: {name}", [_bytes(plan.memory[name]) for plan in plans]) for name in plans[0].memory),
        ("memory in all", [f"{_bytes(plan.total)} of {_bytes(plan.device.memory)}" for plan in plans]),
        ("largest trainer.graph_tokens that fits", [f"{plan.most_tokens:,}" if plan.most_tokens else "none" for plan in plans]),
        ("operations", [f"{_scaled(plan.operations)}FLOP" for plan in plans]),
    ]
    if has_times:
        rows += [
            ("seconds", [f"{plan.seconds:,.3g}" for plan in plans]),
            ("samples a second, over all devices", [f"{_samples(plan):,.4g}" for plan in plans]),
            ("steps", [f"{plan.steps:,}" for plan in plans]),
            ("hours", [f"{plan.hours:,.3g}" for plan in plans]),
        ]
    for name, values in rows:
        view.add_row(name, *values, style="bold" if name in ("memory in all", "hours") else None)
    return view


def notes(plans: Sequence[StagePlan], *, has_times: bool = True) -> list[str]:
    """Returns how it was counted, and what to do where it does not fit."""
    lines = ["Counted by the passes that training runs, with contents as long as the caps allow and none of them equal."]
    if has_times:
        share = f"{100 * plans[0].utilisation:.0f}% of the device's peak (plan.utilisation)"
        lines.append(f"Time: operations at {share}; waiting for data is not in it.")
    large = [plan for plan in plans if not plan.fits]
    return lines + [f"{plan.name} does not fit: {_bytes(plan.total)} of {_bytes(plan.device.memory)}. {_advice(plan)}" for plan in large]


def _advice(plan: StagePlan) -> str:
    if plan.most_tokens and plan.most_tokens < plan.graph_tokens:
        return f"With trainer.graph_tokens={plan.most_tokens} it does; data.token_budget must not be larger."
    largest = max(plan.memory, key=lambda name: plan.memory[name])
    told = {
        "activations": "Set encoder.gradient_checkpointing=true, or a smaller data.token_budget, encoder.max_image_tokens or max_length.",
        "weights": "Take a smaller encoder, encoder.dtype=bfloat16, or under LoRA encoder.quantization=nf4.",
        "optimizer": "Train by LoRA (+adapter@encoder.adapter=lora), or by optimizer=adamw_8bit or adafactor.",
        "gradients": "Train by LoRA (+adapter@encoder.adapter=lora).",
        "features": "Take a smaller trainer.feature_tokens, which holds where not all graphs are kept, or a smaller data.batch_size.",
        "inputs": "Take more devices (plan.devices), or a smaller data.batch_size.",
        "embeddings": "Take a smaller data.batch_size.",
    }
    return f"Most of it is {largest}. {told.get(largest, 'Take a larger device.')}"


def _of_kind(plan: StagePlan, kind: str) -> str:
    found = [some for some in plan.contents if some.kind == kind]
    return ", ".join(f"{some.number:,.0f} of {some.tokens:,} tokens" for some in found) or "-"


def _samples(plan: StagePlan) -> float:
    return sum(some.number for some in plan.contents) / 2 / plan.seconds


def _bytes(number: float) -> str:
    return f"{_scaled(number)}B"


def _scaled(number: float) -> str:
    """Returns a number of three digits with the letter of its size."""
    for letter, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if number >= size:
            return f"{number / size:,.3g} {letter}" if number < 1e3 * size else f"{number / size:,.0f} {letter}"
    return f"{number / 1e3:,.3g} k"
