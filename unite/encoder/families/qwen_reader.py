"""Media as the Qwen-VL families read them, made in the workers.

Frames are resized as the checkpoint's own processor would and cut into patches in its order, but stay uint8: a quarter of the bytes to
move, and normalisation is cheap on the device. Which tokens stand for a medium is asked of transformers' processor, so that each family
is right.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import resize
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize
from transformers.video_utils import VideoMetadata

from unite.batch import index_tensor
from unite.config.schema.encoder import ReadingConfig
from unite.encoder.families.family import ReadMedium
from unite.encoder.families.patches import Grid, cut_patches
from unite.errors import DataError
from unite.types import Medium, Modality

#: How many media's tokens are kept: sizes repeat.
_MAX_KNOWN = 4096


class QwenReader:
    """Reads images and video into patches.

    The tensors, for N patches of D numbers: `patches` (N, D) uint8, not normalised; `grids` (1, 3) int64, patches in time, height and
    width; `intervals` (1,) float32, seconds of the video that a patch in time stands for, 0 for an image.

    Args:
        processor: the checkpoint's, from transformers.
        config: the sizes that images and frames are resized to; a visual token is a merged patch.
    """

    modalities: ClassVar[Collection[Modality]] = (Modality.IMAGE, Modality.VIDEO)

    def __init__(self, processor: Any, config: ReadingConfig) -> None:
        self.processor = processor
        image = processor.image_processor
        self.patch_size = int(image.patch_size)
        self.merge_size = int(image.merge_size)
        self.temporal_patch_size = int(image.temporal_patch_size)
        side = (self.patch_size * self.merge_size) ** 2
        self.pixels = {
            Modality.IMAGE: (config.min_image_tokens * side, config.max_image_tokens * side),
            Modality.VIDEO: (max(config.min_frame_pixels, side), max(config.max_frame_pixels, side)),
        }
        self._known_tokens: dict[tuple[Modality, Grid, tuple[float, ...]], list[int]] = {}

    def read(self, medium: Medium) -> ReadMedium:
        """Returns tokens and tensors of an image or video.

        Raises:
            DataError: if it is so long and narrow that it cannot be resized.
        """
        patches, grid = cut_patches(self._resized(medium), self.patch_size, self.merge_size, self.temporal_patch_size)
        tensors = {
            "patches": torch.from_numpy(patches),
            "grids": index_tensor([grid]),
            "intervals": torch.tensor([medium.frame_gap * self.temporal_patch_size], dtype=torch.float32),
        }
        return ReadMedium(self._tokens(medium, grid), tensors)

    def _tokens(self, medium: Medium, grid: Grid) -> list[int]:
        key = (medium.modality, grid, medium.seconds)
        if key not in self._known_tokens:
            if len(self._known_tokens) >= _MAX_KNOWN:
                self._known_tokens.clear()
            self._known_tokens[key] = self._expand(medium, grid)
        return self._known_tokens[key]

    def _expand(self, medium: Medium, grid: Grid) -> list[int]:
        """Asks transformers' processor which tokens stand for a medium."""
        if medium.modality is Modality.IMAGE:
            text = self.processor.replace_image_token({"image_grid_thw": np.array([grid])}, 0)
        else:
            # Qwen3-VL writes the time before each patch; at one frame a second a frame's index is its time.
            seconds: list[Any] = list(medium.seconds)
            metadata = VideoMetadata(total_num_frames=len(seconds), fps=1.0, frames_indices=seconds)
            text = self.processor.replace_video_token({"video_grid_thw": np.array([grid]), "video_metadata": [metadata]}, 0)
        text = f"<|vision_start|>{text}<|vision_end|>"
        return list(self.processor.tokenizer(text, add_special_tokens=False).input_ids)

    def _resized(self, medium: Medium) -> NDArray[np.uint8]:
        height, width = medium.frames.shape[1:3]
        least, most = self.pixels[medium.modality]
        try:
            wanted = smart_resize(height, width, self.patch_size * self.merge_size, least, most)
        except ValueError as error:
            raise DataError(f"the {medium.modality} of {width} x {height} pixels cannot be resized ({error}).") from error
        if wanted == (height, width):
            return medium.frames
        # What transformers' processors call: Pillow's pixels differ by one in 250 of them.
        frames = medium.frames if medium.frames.flags.writeable else medium.frames.copy(order="K")  # else torch warns
        resized = resize(torch.from_numpy(frames).permute(0, 3, 1, 2), list(wanted), InterpolationMode.BICUBIC, antialias=True)
        pixels: NDArray[np.uint8] = resized.permute(0, 2, 3, 1).numpy()
        return pixels
