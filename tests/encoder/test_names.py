"""Which names a part or a pattern means; the longer ones are written out."""

import pytest

from unite.encoder.names import chosen, part_of
from unite.errors import ConfigError

PARTS = {"language": ("model",), "vision": ("visual",), "merger": ("visual.merger", "visual.more")}
NAMES = [f"model.layers.{layer}.{name}" for layer in (0, 1, 10) for name in ("attn.q_proj", "attn.k_proj", "mlp.up")]
NAMES += ["visual.blocks.0.proj", "visual.blocks.1.proj", "visual.merger.up", "visual.more.0.up", "visual.mergers.up"]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("language", NAMES[:9]),
        ("vision", ["visual.blocks.0.proj", "visual.blocks.1.proj", "visual.mergers.up"]),
        ("merger", ["visual.merger.up", "visual.more.0.up"]),
        ("visual", NAMES[9:]),
        ("q_proj", [NAMES[0], NAMES[3], NAMES[6]]),
        ("?_proj", [NAMES[at] for at in (0, 1, 3, 4, 6, 7)]),
        ("model.layers.1", NAMES[3:6]),
        ("layers.1*", NAMES[3:9]),
        ("model.layers.[0-1].attn", [NAMES[at] for at in (0, 1, 3, 4)]),
        ("*", NAMES),
        ("proj", ["visual.blocks.0.proj", "visual.blocks.1.proj"]),  # a whole word: not `q_proj`
    ],
)
def test_a_part_or_pattern_means_these(pattern, meant):
    assert chosen(NAMES, [pattern], PARTS, "frozen") == set(meant)


def test_several_add_up_and_none_is_none():
    assert chosen(NAMES, ["merger", "mlp"], PARTS, "frozen") == {
        name for name in NAMES if "merger." in name or "more" in name or "mlp" in name
    }
    assert chosen(NAMES, [], PARTS, "frozen") == set()


def test_what_means_nothing_is_refused_and_the_good_names_are_listed():
    message = (
        "encoder.frozen must be one of language, merger, model.layers.*.attn.k_proj, model.layers.*.attn.q_proj, model.layers.*.mlp.up, "
        r"vision, visual.blocks.*.proj, visual.merger.up, visual.mergers.up, visual.more.*.up, but is 'merge'. .* Did you mean 'merger'\?"
    )
    with pytest.raises(ConfigError, match=message):
        chosen([*NAMES, "visual.merger.up.weight"], ["q_proj", "merge"], PARTS, "encoder.frozen")
    with pytest.raises(
        ConfigError, match="must be one of language, model.layers.*.mlp.up, but is 'vision'"
    ):  # a part that has none of them
        chosen(["model.layers.0.mlp.up"], ["vision"], PARTS, "encoder.adapter.targets")


def test_a_name_is_of_the_innermost_part():
    assert [part_of(name, PARTS) for name in ("visual.merger.up", "visual.mergers.up", "visual", "head")] == [
        "merger",
        "vision",
        "vision",
        None,
    ]
