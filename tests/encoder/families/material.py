"""Contents, and the same as transformers' own processor and model take them."""

import numpy as np
import torch
from PIL import Image
from transformers import AutoConfig, AutoModel, AutoProcessor
from transformers.video_utils import VideoMetadata, load_video

from unite.encoder.vlm import VLMEncoder
from unite.media.video.frames import Timeline
from unite.types import Content, Medium, Modality

TURN = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{}\nSummary above {} in one word:<|im_end|>\n"
    "<|im_start|>assistant\n<|endoftext|>"
)
PLACES = {kind: f"<|vision_start|><|{kind}_pad|><|vision_end|>" for kind in ("image", "video")}
FPS = 4.0


def noise(seed, frames, height, width):
    return np.random.default_rng(seed).integers(0, 255, (frames, height, width, 3), dtype=np.uint8)


def image(seed, height, width):
    return Medium(Modality.IMAGE, noise(seed, 1, height, width), seed)


def video(seed, frames, height, width):
    return Medium(Modality.VIDEO, noise(seed, frames, height, width), seed, tuple(frame / FPS for frame in range(frames)))


def side_of(folder):
    """Returns the pixels, along height and along width, that one token stands for: media of multiples are not resized."""
    processor = AutoProcessor.from_pretrained(folder).image_processor
    return processor.patch_size * processor.merge_size


def mixed(folder):
    """Returns contents of every kind, and the turns written out: text, image, video, both fused with text, several media in one."""
    side = side_of(folder)
    contents = [
        Content("a red cat and the moon"),
        Content(media=(image(1, 2 * side, 3 * side),)),
        Content(media=(video(2, 5, 2 * side, 2 * side),)),
        Content("what is above the dog", media=(image(3, side, 2 * side),)),
        Content("the star moves left", media=(video(4, 2, side, 3 * side),), instruction="find the clip"),
        Content(
            "from <|IMAGE|> to <|IMAGE|> as in <|VIDEO|> below",
            media=(image(5, side, side), image(6, 3 * side, side), video(7, 4, side, side)),
        ),
    ]
    seen, film = PLACES["image"], PLACES["video"]
    texts = [
        TURN.format("a red cat and the moon", "sentence"),
        TURN.format(seen, "image"),
        TURN.format(film, "video"),
        TURN.format(f"{seen}\nwhat is above the dog", "sentence and image"),
        TURN.format(f"{film}\nfind the clip\nthe star moves left", "sentence and video"),
        TURN.format(f"from {seen} to {seen} as in {film} below", "sentence and image and video"),
    ]
    return contents, texts


def reference(folder, contents, texts):
    """Returns what transformers' processor makes of the turns: the inputs of its model, padded."""
    media = [medium for content in contents for medium in content.media]
    videos = [medium for medium in media if medium.modality is Modality.VIDEO]
    images = [Image.fromarray(medium.frames[0]) for medium in media if medium.modality is Modality.IMAGE]
    metadata = [VideoMetadata(total_num_frames=len(film.frames), fps=FPS, frames_indices=list(range(len(film.frames)))) for film in videos]
    return AutoProcessor.from_pretrained(folder)(
        text=texts,
        images=images or None,
        videos=[torch.from_numpy(film.frames).permute(0, 3, 1, 2) for film in videos] or None,
        video_metadata=metadata or None,
        do_sample_frames=False,
        do_resize=False,
        padding=True,
        return_tensors="pt",
    )


def official(folder, texts, images, paths, decoding, caps):
    """Returns what transformers' processor makes of the turns with these images and video files, read and resized by itself.

    Which frames are taken and how large media may be is told to it; the rest is its own: rate, length and times of the videos too.
    """

    def picked(metadata, **_):
        times = np.arange(metadata.total_num_frames) / metadata.fps
        return Timeline(times, metadata.duration).pick(decoding).tolist()

    side = side_of(folder) ** 2
    films, metadata = zip(*(load_video(str(path), backend="pyav", sample_indices_fn=picked) for path in paths), strict=True)
    # Qwen3-VL's caps are of all frames of a video together, the others' of one.
    together = len(films[0]) if "qwen3" in AutoConfig.from_pretrained(folder).model_type else 1
    return AutoProcessor.from_pretrained(folder)(
        text=texts,
        images=images,
        videos=list(films),
        padding=True,
        return_tensors="pt",
        images_kwargs={"size": {"shortest_edge": caps["min_image_tokens"] * side, "longest_edge": caps["max_image_tokens"] * side}},
        videos_kwargs={
            "video_metadata": list(metadata),
            "do_sample_frames": False,
            "cap_pixels_per_frame": False,
            "size": {"shortest_edge": together * side, "longest_edge": together * caps["max_frame_pixels"]},
        },
    )


def plain_model(folder, **options):
    return AutoModel.from_pretrained(folder, dtype=torch.float32, **options)


def plain_embeddings(model, inputs, **extra):
    """Returns the last tokens' states at unit length."""
    hidden = model(**inputs, use_cache=False, **extra).last_hidden_state
    last = torch.stack([row[keep.bool()][-1] for row, keep in zip(hidden, inputs["attention_mask"], strict=True)])
    return torch.nn.functional.normalize(last, dim=-1)


def encoder_of(folder, **settings):
    settings = {"adapter": None, "gradient_checkpointing": False, "dtype": "float32"} | settings
    caps = {"min_image_tokens": 1, "max_image_tokens": 64, "max_frame_pixels": 10**6, "max_length": 10_000}
    return VLMEncoder(str(folder), **caps | settings).eval()


def micro_batch(encoder, contents):
    return encoder.processor.pad([encoder.processor.encode(content) for content in contents], range(len(contents)))
