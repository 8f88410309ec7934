"""A processor as an exported folder has it: the chat template, and media in the sizes that the encoder reads them in.

The encoder bounds the pixels of each frame of a video. So does transformers' Qwen2-VL video processor, while Qwen3-VL's own bounds those of
all frames together, and rounds odd numbers of frames to even ones: 5 frames of 240 x 320 would come out larger. Both cut patches alike, so
every family is exported with the former; which frames it takes of a file, where it is asked to pick them, is near to what the encoder was
trained on and not the same.
"""

from __future__ import annotations

from typing import Any

from transformers import Qwen2VLVideoProcessor, Qwen3VLProcessor

from unite.config.schema.encoder import ReadingConfig
from unite.config.schema.media import Decoding
from unite.encoder.families.family import Family
from unite.errors import CheckpointError, must_be
from unite.export.chat_template import chat_template
from unite.export.plain_positions import MARK, are_plain
from unite.types import Modality

#: By which name a processor knows the token that stands for a kind of media.
_PADS = {Modality.IMAGE: "image_token", Modality.VIDEO: "video_token"}
#: What a video processor keeps of the checkpoint's.
_OF_VIDEO = ("patch_size", "temporal_patch_size", "merge_size", "image_mean", "image_std", "rescale_factor", "resample", "do_convert_rgb")


def check_bakeable(processor: Any, reading: ReadingConfig) -> None:
    """Refuses an encoder that reads contents as no processor of transformers can.

    Raises:
        CheckpointError: if its media stand without marks, and the processor writes times between a video's.
    """
    if not reading.prompt.media_marks and isinstance(processor, Qwen3VLProcessor):
        hint = "transformers marks each moment of a video: use this encoder by unite.embedding.Embedder."
        raise CheckpointError(must_be(f"media in the prompt {reading.prompt.name}", "between marks", "without (media_marks=false)", hint))


def pads_of(processor: Any, family: Family) -> dict[Modality, str]:
    """Returns of each kind of media that an encoder reads the token that stands for it."""
    return {modality: str(getattr(processor, name)) for modality, name in _PADS.items() if modality in family.modalities}


def prepare_processor(processor: Any, family: Family, reading: ReadingConfig, decoding: Decoding) -> None:
    """Changes a processor of transformers in place.

    Args:
        processor: a checkpoint's.
        family: of the checkpoint.
        reading: how the encoder reads contents.
        decoding: how many frames are taken of a video file, where they are to be picked.
    """
    tokenizer = processor.tokenizer
    special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    pads = pads_of(processor, family)
    places = {modality: token.join(family.marks) if reading.prompt.media_marks else token for modality, token in pads.items()}
    guarded = [MARK] if are_plain(reading, family) else []
    tokens = {*special, *family.special_tokens, *pads.values()}
    template = chat_template(reading.prompt, reading.system_prompt, tokens, places, guarded)
    processor.chat_template = tokenizer.chat_template = template
    if Modality.VIDEO in family.modalities:
        _bound_pixels(processor, reading, decoding)


def _bound_pixels(processor: Any, reading: ReadingConfig, decoding: Decoding) -> None:
    """Gives media the sizes that the encoder reads them in; of a family without video, the checkpoint's own is the only one."""
    image, video = processor.image_processor, processor.video_processor
    side = (int(image.patch_size) * int(image.merge_size)) ** 2
    image.size = {"shortest_edge": reading.min_image_tokens * side, "longest_edge": reading.max_image_tokens * side}
    processor.video_processor = Qwen2VLVideoProcessor(
        **{name: getattr(video, name) for name in _OF_VIDEO},
        size={"shortest_edge": max(reading.min_frame_pixels, side), "longest_edge": max(reading.max_frame_pixels, side)},
        cap_pixels_per_frame=False,  # of all frames together, by the length of a context
        do_sample_frames=False,
        fps=decoding.fps,
        min_frames=decoding.min_frames,
        max_frames=decoding.max_frames,
    )
