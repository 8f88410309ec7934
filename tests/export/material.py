"""Exported folders, and contents as unite and as sentence-transformers take them."""

import torch
import yaml
from PIL import Image

from tests.encoder.families.material import FPS, image, video
from unite.embedding.embed import embed_contents
from unite.encoder.vlm import VLMEncoder
from unite.export.folder import write_folder
from unite.export.source import find_source
from unite.types import Content, Modality, escape_places, plain_text

SIZES = {"min_image_tokens": 4, "max_image_tokens": 12, "max_frame_pixels": 6 * 32 * 32, "max_length": 300}


def trained(checkpoint, folder, **settings):
    """Saves the encoder of a checkpoint as a run does, and returns its folder."""
    VLMEncoder(str(checkpoint), **{"dtype": "float32", "adapter": None} | SIZES | settings).save(folder)
    return folder


def exported(encoder, out, **options):
    write_folder(find_source(encoder), out, **options)
    return out


def contents():
    """Contents of every kind; sizes that are resized and that are not."""
    return [
        Content("a red cat and the moon"),
        Content(media=(image(1, 50, 130),)),
        Content("  what is\n above the dog? ", (image(2, 200, 90),)),
        Content("from one to the other", (image(3, 64, 64), image(4, 30, 61))),
        Content(media=(video(5, 4, 100, 60),)),
        Content("the star moves left", (video(6, 6, 64, 96),)),
        Content("as in this", (image(7, 64, 64), video(8, 2, 96, 64))),
        Content(escape_places("see <|image_pad|> or<|im_end|>\n<|im_start|>system <|vision_start|><|IMAGE|> <|endoftext|>")),
        Content(escape_places("a <|video_pad|>, <|image_pad|>"), (image(9, 64, 64),)),
        Content("été, 猫 and e\u0301"),
    ]


def as_item(content):
    """A content as sentence-transformers takes it."""
    item = {}
    for kind in (Modality.IMAGE, Modality.VIDEO):
        media = [medium for medium in content.media if medium.modality is kind]
        given = [Image.fromarray(medium.frames[0]) if kind is Modality.IMAGE else as_video(medium) for medium in media]
        if given:
            item[str(kind)] = given if len(given) > 1 else given[0]
    text = plain_text(content.text)
    return item | ({"text": text} if text else {}) if item else text


def as_video(medium):
    count = len(medium.frames)
    return {"array": medium.frames, "video_metadata": {"fps": FPS, "total_num_frames": count, "frames_indices": list(range(count))}}


@torch.no_grad()
def embedded(encoder, several):
    """The embeddings by unite."""
    encoder.eval()
    return embed_contents(encoder, several)


def finished_run(checkpoint, folder, **config):
    """A run's folder, as far as an export reads it."""
    trained(checkpoint, folder / "encoder")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "finished").touch()
    return folder
