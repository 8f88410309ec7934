"""The fast paths, per family, against the forward passes they replace."""

import numpy as np
import torch
from transformers import AutoModel

from tests.encoder.test_families import encoder_of, folder, image, micro_batch, side, tokenizer, video  # noqa: F401
from unite.encoder.fast_vision import speed_up_vision
from unite.encoder.positions import mrope_positions
from unite.types import Content


def plain_model(folder):  # noqa: F811
    return AutoModel.from_pretrained(folder, dtype=torch.float32)


def test_vision(folder):  # noqa: F811
    plain, fast = plain_model(folder).visual, plain_model(folder).visual
    names = list(fast.state_dict())
    speed_up_vision(fast)
    assert list(fast.state_dict()) == names
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


def test_gradients_of_the_whole(folder):  # noqa: F811
    """One graph from pixels to embeddings; the plain model reads what the processor gave, normalised."""
    one = side(folder)
    contents = [
        Content("a red cat and the moon moves left"),
        Content(media=(image(1, one, 2 * one),)),
        Content("above <|IMAGE|> and", (video(2, 4, one, one), image(3, 2 * one, one))),
        Content(media=(video(4, 3, 2 * one, one),), instruction="the star"),
    ]
    encoder = encoder_of(folder, train_vision=True).train()
    batch = micro_batch(encoder, contents)
    plain = plain_model(folder).train()
    pixels = batch.patches * encoder._scale + encoder._shift
    owner = batch.medium_types.repeat_interleave(batch.grids.prod(1))
    of_image, of_video = batch.medium_types == 1, batch.medium_types == 2
    seconds = {"second_per_grid_ts": batch.intervals[of_video]} if "2_5" in folder.name else {}
    hidden = plain(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        mm_token_type_ids=batch.token_types,
        pixel_values=pixels[owner == 1],
        image_grid_thw=batch.grids[of_image],
        pixel_values_videos=pixels[owner == 2],
        video_grid_thw=batch.grids[of_video],
        use_cache=False,
        **seconds,
    ).last_hidden_state
    expected = torch.nn.functional.normalize(hidden[range(4), batch.attention_mask.sum(1) - 1], dim=-1)
    weights = torch.linspace(-1, 1, expected.numel()).view_as(expected)
    embeddings = encoder(batch)
    torch.testing.assert_close(embeddings, expected, rtol=1e-5, atol=1e-5)
    for one in (embeddings, expected):
        (one * weights).sum().backward()
    grads = {name: parameter.grad for name, parameter in plain.named_parameters()}
    assert all(grad is not None for grad in grads.values())
    for name, parameter in encoder.model.named_parameters():
        scale = grads[name].abs().max()
        torch.testing.assert_close(parameter.grad / scale, grads[name] / scale, rtol=1e-5, atol=2e-5, msg=name)


def test_positions_equal_the_models_own(folder):  # noqa: F811
    one = side(folder)
    encoder = encoder_of(folder, max_length=10_000)
    draw = np.random.default_rng(0)
    contents = []
    for at in range(20):
        media, text = [], "a cat"
        for number in range(draw.integers(0, 4)):
            height, width = draw.integers(1, 5, 2) * one
            is_image = draw.random() < 0.5
            media.append(
                (image if is_image else video)(at * 10 + number, *(() if is_image else (int(draw.integers(1, 8)),)), height, width)
            )
            text += f" <|{media[-1].modality.name}|> moon" * 1
        contents.append(Content(text, tuple(media)))
    batch = micro_batch(encoder, contents)
    of_video = batch.medium_types == 2
    seconds = {"second_per_grid_ts": batch.intervals[of_video]} if "2_5" in folder.name else {}
    expected, _ = encoder.model.get_rope_index(
        input_ids=batch.input_ids,
        mm_token_type_ids=batch.token_types,
        image_grid_thw=batch.grids[batch.medium_types == 1],
        video_grid_thw=batch.grids[of_video],
        attention_mask=batch.attention_mask,
        **seconds,
    )
    assert torch.equal(encoder._positions(batch), expected)


def test_positions_by_hand():
    """Two text tokens, a video of 2 x (2 x 4) patches at 3 positions a patch in time, two text tokens; then padding."""
    types = torch.tensor([[0, 0, 2, 2, 2, 2, 0, 0, 0]])
    mask = torch.tensor([[1] * 8 + [0]])
    positions = mrope_positions(mask, types, torch.tensor([[2, 2, 4]]), torch.tensor([3.0]), merge_size=2)
    assert positions[:, 0].tolist() == [[0, 1, 2, 2, 5, 5, 4, 5, 0], [0, 1, 2, 2, 2, 2, 4, 5, 0], [0, 1, 2, 3, 2, 3, 4, 5, 0]]
