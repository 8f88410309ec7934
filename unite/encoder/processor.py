"""Contents to tokens and patches: what the encoder reads, made in the workers.

Frames are resized as the checkpoint's own processor would and cut into patches in its order, but stay uint8: a quarter of the bytes to
move, and normalisation is cheap on the device. Which tokens stand for a medium is asked of transformers' processor, so that each family
is right.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer
from torch.nn.utils.rnn import pad_sequence
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize
from transformers.video_utils import VideoMetadata

from unite.encoder.patches import Grid, cut_patches
from unite.encoder.prompt import MediumPlace, Prompt, Segment, Text
from unite.errors import DataError, must_be
from unite.types import Content, EncodedContent, Medium, MicroBatch, Modality, index_tensor

log = logging.getLogger(__name__)

#: How many media's tokens are kept: sizes repeat.
_MAX_KNOWN = 4096


class ContentProcessor:
    """Encodes and pads contents for one checkpoint; holds no weights and can be sent to workers.

    Args:
        processor: the checkpoint's, from transformers.
        prompt: lays out the chat turn.
        min_image_tokens, max_image_tokens: an image is resized to lie between them (merged visual tokens).
        max_frame_pixels: a video frame is resized to at most as many pixels.
        max_length: tokens a content may have; longer text loses its end, media are never cut.
    """

    def __init__(
        self,
        processor: Any,
        prompt: Prompt,
        min_image_tokens: int = 256,
        max_image_tokens: int = 1280,
        max_frame_pixels: int = 240 * 320,
        max_length: int = 2048,
    ) -> None:
        self.processor = processor
        self.prompt = prompt
        image = processor.image_processor
        self.patch_size = int(image.patch_size)
        self.merge_size = int(image.merge_size)
        self.temporal_patch_size = int(image.temporal_patch_size)
        side = (self.patch_size * self.merge_size) ** 2
        self.pixels = {
            Modality.IMAGE: (min_image_tokens * side, max_image_tokens * side),
            Modality.VIDEO: (side, max(max_frame_pixels, side)),
        }
        self.max_length = max_length
        # A copy that reads special tokens in a user's text as plain text.
        self._tokenizer = Tokenizer.from_str(processor.tokenizer.backend_tokenizer.to_str())
        self._tokenizer.encode_special_tokens = True
        self._special: dict[str, int] = {}
        self._expanded: dict[tuple[Modality, Grid, tuple[float, ...]], list[int]] = {}
        self._texts: dict[str, list[int]] = {}
        self.num_truncated = 0

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tokenizer.encode_special_tokens = True  # a pickled tokenizer forgets it

    @property
    def patch_dim(self) -> int:
        """Numbers in a patch."""
        return 3 * self.temporal_patch_size * self.patch_size**2

    def encode(self, content: Content) -> EncodedContent:
        """Tokenises one content and cuts its media into patches.

        Raises:
            DataError: if its media alone are longer than `max_length`, or the places in its text are not those of its media.
        """
        patches, grids = zip(*(self._patches(medium) for medium in content.media), strict=True) if content.media else ((), ())
        tokens = torch.tensor(self._fitting(self.prompt.segments(content), content, grids), dtype=torch.int64)
        types = (tokens == self.processor.image_token_id).long() + 2 * (tokens == self.processor.video_token_id).long()
        gaps = [_gap(medium) * self.temporal_patch_size if medium.modality is Modality.VIDEO else 0.0 for medium in content.media]
        return EncodedContent(
            input_ids=tokens,
            token_types=types,
            patches=self._joined(patches),
            grids=index_tensor(grids).reshape(-1, 3),
            medium_types=index_tensor([1 if medium.modality is Modality.IMAGE else 2 for medium in content.media]),
            media=index_tensor([medium.fingerprint for medium in content.media]),
            intervals=torch.tensor(gaps, dtype=torch.float32),
        )

    def pad(self, encoded: Sequence[EncodedContent], contents: Sequence[int]) -> MicroBatch:
        """Puts contents into one micro-batch, padded on the right."""
        pad_id = self.processor.tokenizer.pad_token_id
        return MicroBatch(
            contents=index_tensor(contents),
            input_ids=pad_sequence([one.input_ids for one in encoded], batch_first=True, padding_value=pad_id),
            token_types=pad_sequence([one.token_types for one in encoded], batch_first=True),
            attention_mask=pad_sequence([torch.ones_like(one.input_ids) for one in encoded], batch_first=True),
            patches=torch.cat([one.patches for one in encoded]),
            grids=torch.cat([one.grids for one in encoded]),
            medium_types=torch.cat([one.medium_types for one in encoded]),
            media=torch.cat([one.media for one in encoded]),
            intervals=torch.cat([one.intervals for one in encoded]),
        )

    def _fitting(self, segments: list[Segment], content: Content, grids: Sequence[Grid]) -> list[int]:
        """Returns the tokens of a turn, the end of the user's text cut until they fit."""
        ids = self._tokens(segments, content, grids)
        if len(ids) <= self.max_length:
            return ids
        whole = len(ids)
        while len(ids) > self.max_length:
            last = max((at for at, one in enumerate(segments) if isinstance(one, Text) and one.of_user and one.text), default=None)
            if last is None:
                raise DataError(self._too_long(content, len(ids), grids))
            text = segments[last].text  # type: ignore[union-attr]
            offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
            kept = max(len(offsets) - (len(ids) - self.max_length), 0)
            end = min(offsets[kept][0], len(text) - 1) if kept < len(offsets) else len(text) - 1
            segments = [*segments[:last], Text(text[:end], of_user=True), *segments[last + 1 :]]
            ids = self._tokens(segments, content, grids)
        self._say_truncated(content, whole)
        return ids

    def _too_long(self, content: Content, num_tokens: int, grids: Sequence[Grid]) -> str:
        media = [
            f"{medium.modality} of {grid[0] * grid[1] * grid[2] // self.merge_size**2} tokens"
            for medium, grid in zip(content.media, grids, strict=True)
        ]
        hint = "Lower the encoder's pixel caps or the number of frames, or raise encoder.max_length."
        is_ = f"{num_tokens} tokens without any text: the prompt with {', '.join(media) or 'no media'}"
        return must_be("a content", f"at most encoder.max_length ({self.max_length}) tokens long", is_, hint)

    def _tokens(self, segments: Sequence[Segment], content: Content, grids: Sequence[Grid]) -> list[int]:
        ids: list[int] = []
        text = ""  # neighbouring texts are one to the tokenizer, as they are in the released code's template
        for segment in segments:
            if isinstance(segment, Text):
                text += segment.text
                continue
            ids += self._text_tokens(text)
            text = ""
            if isinstance(segment, MediumPlace):
                ids += self._medium_tokens(content.media[segment.medium], grids[segment.medium])
            else:
                ids.append(self._special_token(segment.name))
        return ids + self._text_tokens(text)

    def _text_tokens(self, text: str) -> list[int]:
        """Returns the tokens of a text; those of the prompt's own words are asked for with every content."""
        if text not in self._texts:
            if len(self._texts) >= _MAX_KNOWN:
                self._texts.clear()
            self._texts[text] = list(self._tokenizer.encode(text, add_special_tokens=False).ids) if text else []
        return self._texts[text]

    def _special_token(self, name: str) -> int:
        if name not in self._special:
            self._special[name] = int(self.processor.tokenizer.convert_tokens_to_ids(name))
        return self._special[name]

    def _medium_tokens(self, medium: Medium, grid: Grid) -> list[int]:
        key = (medium.modality, grid, medium.seconds)
        if key not in self._expanded:
            if len(self._expanded) >= _MAX_KNOWN:
                self._expanded.clear()
            self._expanded[key] = self._expand(medium, grid)
        return self._expanded[key]

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

    def _patches(self, medium: Medium) -> tuple[NDArray[np.uint8], Grid]:
        """Returns the patches (N, D) of a medium, in the order and layout of transformers' processor, and its grid."""
        return cut_patches(self._resized(medium), self.patch_size, self.merge_size, self.temporal_patch_size)

    def _joined(self, patches: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        if not patches:
            return torch.zeros(0, self.patch_dim, dtype=torch.uint8)
        return torch.from_numpy(patches[0] if len(patches) == 1 else np.concatenate(patches))

    def _resized(self, medium: Medium) -> NDArray[np.uint8]:
        height, width = medium.frames.shape[1:3]
        least, most = self.pixels[medium.modality]
        try:
            wanted = smart_resize(height, width, self.patch_size * self.merge_size, least, most)
        except ValueError as error:
            raise DataError(f"the {medium.modality} of {width} x {height} pixels cannot be resized ({error}).") from error
        if wanted == (height, width):
            return medium.frames
        size = (wanted[1], wanted[0])
        return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)) for frame in medium.frames])

    def _say_truncated(self, content: Content, num_tokens: int) -> None:
        """Counts, and says the first of each power of ten."""
        self.num_truncated += 1
        if str(self.num_truncated).strip("0") == "1":
            log.warning(
                "a text was cut: %d tokens, %d fit (encoder.max_length); %d so far. It begins %r.",
                num_tokens,
                self.max_length,
                self.num_truncated,
                content.text[:60],
            )


def _gap(medium: Medium) -> float:
    """Returns the mean seconds from one frame to the next."""
    return (medium.seconds[-1] - medium.seconds[0]) / (len(medium.seconds) - 1) if len(medium.seconds) > 1 else 0.0
