"""The fast vision tower of each family, against the forward passes it replaces."""

import torch
from torch import nn

from tests.encoder.families.material import plain_model
from unite.encoder.families import family_of
from unite.encoder.families.fast_vision import speed_up_vision


def test_features_and_gradients_are_those_of_the_plain_tower(folder):
    plain, fast = plain_model(folder).visual, plain_model(folder).visual
    names = list(fast.state_dict())
    speed_up_vision(fast, family_of(folder.name, str(folder)).vision_classes)
    assert list(fast.state_dict()) == names
    assert sum("forward" in vars(module) for module in fast.modules()) == 1 + len(fast.blocks)
    patch_dim = plain.patch_embed.proj.weight[0].numel()
    for grids in ([[1, 4, 6]] * 3, [[1, 4, 6], [3, 4, 4], [1, 2, 8], [2, 8, 10], [1, 4, 4]]):  # of one size; of several
        grids = torch.tensor(grids)
        pixels = torch.randn(int(grids.prod(1).sum()), patch_dim, generator=torch.Generator().manual_seed(0))
        grads = []
        for visual in (plain, fast):
            visual.zero_grad()
            out = visual(pixels, grid_thw=grids)
            features = torch.cat([out.pooler_output, *getattr(out, "deepstack_features", [])])
            (features * torch.linspace(-1, 1, features.numel()).view_as(features)).sum().backward()
            grads.append({"features": features} | {name: parameter.grad for name, parameter in visual.named_parameters()})
        for name, expected in grads[0].items():
            scale = expected.abs().max()
            torch.testing.assert_close(grads[1][name] / scale, expected / scale, rtol=1e-5, atol=1e-5, msg=name)


def test_another_class_keeps_its_forward_pass(folder):
    visual = plain_model(folder).visual
    classes = family_of(folder.name, str(folder)).vision_classes

    class VisionAttention(classes.attention):
        """Of a known name, and not a known class."""

    class PatchEmbed(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj = nn.Conv3d(3, 4, 2, stride=1)

    visual.blocks[0].attn.__class__ = VisionAttention
    visual.patch_embed = PatchEmbed()
    speed_up_vision(visual, classes)
    assert "forward" not in vars(visual.blocks[0].attn) and "forward" not in vars(visual.patch_embed)
    assert "forward" in vars(visual.blocks[1].attn)
