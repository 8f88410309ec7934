import numpy as np
import pytest
import torch
from transformers import Qwen2VLVideoProcessor

from unite.encoder.families.patches import cut_patches


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize(("num_frames", "height", "width"), [(1, 56, 84), (2, 28, 28), (5, 84, 56), (12, 56, 112)])
def test_patches_are_those_of_the_video_processor(num_frames, height, width, planar):
    frames = np.random.default_rng(0).integers(0, 255, (num_frames, height, width, 3), dtype=np.uint8)
    own = Qwen2VLVideoProcessor(do_resize=False, do_rescale=False, do_normalize=False, cap_pixels_per_frame=False)
    expected = own(videos=[frames], do_sample_frames=False, return_tensors="pt")
    if planar:  # as frames that curation stored are decoded
        frames = np.ascontiguousarray(frames.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    patches, grid = cut_patches(frames, 14, 2, 2)
    assert [list(grid)] == expected["video_grid_thw"].tolist()
    torch.testing.assert_close(torch.from_numpy(patches).float(), expected["pixel_values_videos"].float(), rtol=0, atol=0)
