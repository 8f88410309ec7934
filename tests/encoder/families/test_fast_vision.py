"""The fast vision tower of each family, against the forward passes it replaces."""

import torch
from torch import nn

from tests.encoder.families.material import plain_model
from unite.encoder.families import family_of
from unite.encoder.families.fast_vision import embed_patches, speed_up_vision


def test_features_and_gradients_are_those_of_the_plain_tower(folder):
    plain, fast = plain_model(folder).visual, plain_model(folder).visual
    names = list(fast.state_dict())
    assert speed_up_vision(fast, family_of(folder.name, str(folder)).vision_classes)
    assert list(fast.state_dict()) == names
    assert sum("forward" in vars(module) for module in fast.modules()) == 1 + len(fast.blocks)
    proj, random = plain.patch_embed.proj, torch.Generator().manual_seed(0)
    scale, shift = torch.rand(2, proj.weight[0].numel(), generator=random) / 100
    for grids, films in ([[1, 4, 6]] * 3, ()), ([[1, 4, 6], [3, 4, 4], [1, 2, 8], [2, 8, 10], [1, 4, 4]], (1, 3)), ([[2, 4, 4]], (0,)):
        grids = torch.tensor(grids)
        still = torch.tensor([medium not in films for medium in range(len(grids))]).repeat_interleave(grids.prod(1))
        patches = torch.randint(256, (len(still), *proj.weight[0].shape), dtype=torch.uint8, generator=random)
        patches[still, :, 1:] = patches[still, :, :1]  # an image is its own next frame
        patches = patches.flatten(1)
        grads = []
        for visual in (plain, fast):
            visual.zero_grad()
            pixels = patches * scale + shift
            out = visual(pixels if visual is plain else embed_patches(fast.patch_embed.proj, patches, still, scale, shift), grid_thw=grids)
            features = torch.cat([out.pooler_output, *getattr(out, "deepstack_features", [])])
            (features * torch.linspace(-1, 1, features.numel()).view_as(features)).sum().backward()
            grads.append({"features": features} | {name: parameter.grad for name, parameter in visual.named_parameters()})
        for name, expected in grads[0].items():
            largest = expected.abs().max()
            torch.testing.assert_close(grads[1][name] / largest, expected / largest, rtol=1e-5, atol=1e-5, msg=name)


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
    assert not speed_up_vision(visual, classes)
    assert "forward" not in vars(visual.blocks[0].attn) and "forward" not in vars(visual.patch_embed)
    assert "forward" in vars(visual.blocks[1].attn)
