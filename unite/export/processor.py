"""A processor as an exported folder has it: the chat template, and the sizes that the encoder reads media in.

transformers' video processors bound pixels each in its own way. Qwen2-VL's and Qwen2.5-VL's bound a frame's, as the encoder does; those of
Qwen3-VL bound a video's, unless each frame is capped (`cap_pixels_per_frame`): then a frame's upper bound is the encoder's too, while small
frames are enlarged to one token at least and not to `min_frame_pixels`. `unread` tells that.
"""

from __future__ import annotations

from typing import Any

from transformers import Qwen3VLVideoProcessor

from unite.config.schema.encoder import Positions, ReadingConfig
from unite.config.schema.media import Decoding
from unite.encoder.families.family import Family
from unite.errors import CheckpointError, must_be
from unite.export.chat_template import chat_template
from unite.types import Modality

#: Where the processor of a kind of media is, and by which name it knows the token that stands for it.
_OF_MODALITY = {Modality.IMAGE: "image_token", Modality.VIDEO: "video_token"}


#: A video's pixels are bounded too: so many of the largest frames fit.
_MOST_FRAMES = 768


def check_bakeable(reading: ReadingConfig) -> None:
    """Refuses an encoder that reads contents as no processor of transformers can.

    Raises:
        CheckpointError: if its positions are plain, or media stand without marks.
    """
    if reading.positions is not Positions.mrope:
        hint = "transformers' models give media the positions of their grid, and a folder cannot say otherwise: use unite.embedding.Embedder."
        raise CheckpointError(must_be("positions of an encoder to export", "mrope", str(reading.positions), hint))


def prepare_processor(processor: Any, family: Family, reading: ReadingConfig, decoding: Decoding) -> None:
    """Changes a processor of transformers in place.

    Args:
        processor: a checkpoint's.
        family: of the checkpoint.
        reading: how the encoder reads contents.
        decoding: how many frames are taken of a video file.

    Raises:
        CheckpointError: if the prompt cannot be said by a chat template.
    """
    tokenizer = processor.tokenizer
    special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    pads = {modality: str(getattr(processor, name)) for modality, name in _OF_MODALITY.items() if modality in family.modalities}
    template = chat_template(reading.prompt, reading.system_prompt, {*special, *family.special_tokens, *pads.values()}, pads)
    processor.chat_template = tokenizer.chat_template = template
    image, video = processor.image_processor, processor.video_processor
    side = (int(image.patch_size) * int(image.merge_size)) ** 2
    least, most = max(reading.min_frame_pixels, side), max(reading.max_frame_pixels, side)
    image.size = {"shortest_edge": reading.min_image_tokens * side, "longest_edge": reading.max_image_tokens * side}
    video.fps, video.min_frames, video.max_frames = decoding.fps, decoding.min_frames, decoding.max_frames
    video.num_frames = None
    video.cap_pixels_per_frame = isinstance(video, Qwen3VLVideoProcessor)
    if video.cap_pixels_per_frame:
        tokens = most / side
        video.max_video_tokens = int(tokens) if tokens.is_integer() else tokens
        video.size = {"shortest_edge": 1, "longest_edge": most * _MOST_FRAMES}
    else:
        video.size = {"shortest_edge": least, "longest_edge": most}
