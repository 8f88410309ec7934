"""What training shows of clips (`ClipsConfig`): other frames or another order, candidates in a wrong order, two clips in turn.

    example -> [in_turn: the clip of the row beside it comes after] -> [order_negatives] -> [shown] -> example

What is drawn is drawn by the clip's fingerprint alone, never anew each time: then equal clips of a batch stay equal contents, a resumed
run sees what the undisturbed one would have seen, and over many clips the order or frame tells as little as if it were drawn anew.
`shuffled` frames may come in their own order, 1 time in T!, and `repeated` and `single` show any frame, not the middle one: else what was
left out would tell something of the order (the middle of four is nearer to the beginning).

The times of the frames stay those of the clip, ascending, whatever is shown at them; that of a single frame is its beginning.

In the field: shuffled and reversed frames are the usual probes of whether a model looks at order (Sevilla-Lara et al. 2021, "Only Time Can
Tell"), a single frame the bar that video models are held against (Lei et al. 2022, arXiv 2206.03428); two clips in turn with joined
captions are how Bagad et al. 2023 (arXiv 2301.02074) teach before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.config.schema.clips import ClipNegative, ClipsConfig, ShownFrames
from unite.types import PLACES, Content, Example, Medium, Modality, fingerprint

#: Orders that are drawn for a shuffled negative before it is given up: of few frames that look alike there may be no other.
_TRIES = 16


def shown(content: Content, frames: ShownFrames) -> Content:
    """Returns a content whose videos are shown in another way; one without stays as it is."""
    if frames is ShownFrames.in_order or Modality.VIDEO not in content.modality:
        return content
    if frames is ShownFrames.images:
        return _as_images(content)
    return _with_videos(content, lambda video: _shown(video, frames))


def with_order_negatives(example: Example, config: ClipsConfig) -> Example:
    """Returns an example that has, beside each positive with a clip, negatives that show it in another order.

    Its videos go by what is seen of them: a clip that is another one reversed, frame by frame, is the same content as that one's negative.
    """
    if not config.negatives:
        return example
    positives = tuple(_with_videos(content, by_sight) for content in example.positives)
    made: dict[int, Content] = {}
    for positive in positives:
        for kind in config.negatives:
            negative = _with_videos(positive, _REARRANGED[kind])
            if negative.fingerprint != positive.fingerprint:
                made.setdefault(negative.fingerprint, replace(negative, group=""))
    return replace(example, positives=positives, negatives=(*example.negatives, *made.values()))


def in_turn(first: Example, second: Example, word: str, max_frames: int) -> Example:
    """Returns the example of two clips, one after the other, and of their captions in that order.

    Args:
        first, second: of text and video; of several positives the first counts.
        word: between the captions.
        max_frames: of both together; of more they are taken evenly.
    """
    query = _joined(first.query, second.query, word, max_frames)
    return replace(first, query=query, positives=(_joined(first.positives[0], second.positives[0], word, max_frames),))


def by_sight(video: Medium) -> Medium:
    """Returns a video whose fingerprint is of what is seen and when, not of the file."""
    frames = np.ascontiguousarray(video.frames)
    return replace(video, fingerprint=fingerprint(str(frames.shape), frames.tobytes(), repr((video.seconds, video.duration))))


def _shown(video: Medium, frames: ShownFrames) -> Medium:
    rng = np.random.default_rng([video.fingerprint, fingerprint(str(frames))])
    num = len(video.frames)
    name = fingerprint(str(video.fingerprint), str(frames))
    if frames is ShownFrames.shuffled:
        return replace(video, frames=video.frames[rng.permutation(num)], fingerprint=name)
    place = int(rng.integers(num))
    if frames is ShownFrames.repeated:
        return replace(video, frames=np.repeat(video.frames[place : place + 1], num, axis=0), fingerprint=name)
    return replace(video, frames=video.frames[place : place + 1], seconds=(0.0,), fingerprint=name)


def _reversed(video: Medium) -> Medium:
    return by_sight(replace(video, frames=video.frames[::-1]))


def _shuffled(video: Medium) -> Medium:
    """Returns a video in another order that is neither its own nor the reverse; as it is where there is none."""
    rng = np.random.default_rng([video.fingerprint, fingerprint("negative")])
    known = {video.fingerprint, _reversed(video).fingerprint}
    for _ in range(_TRIES):
        drawn = by_sight(replace(video, frames=video.frames[rng.permutation(len(video.frames))]))
        if drawn.fingerprint not in known:
            return drawn
    return video


_REARRANGED: dict[ClipNegative, Callable[[Medium], Medium]] = {ClipNegative.reversed: _reversed, ClipNegative.shuffled: _shuffled}


def _with_videos(content: Content, change: Callable[[Medium], Medium]) -> Content:
    media = tuple(change(medium) if medium.modality is Modality.VIDEO else medium for medium in content.media)
    return replace(content, media=media)


def _as_images(content: Content) -> Content:
    """Returns a content with an image for each frame, at the places of the videos."""
    images = [
        [medium]
        if medium.modality is not Modality.VIDEO
        else [
            Medium(Modality.IMAGE, frame[None], fingerprint(str(medium.fingerprint), "image", str(place)))
            for place, frame in enumerate(medium.frames)
        ]
        for medium in content.media
    ]
    places = [place for place in PLACES.findall(content.text) if place in _MEDIA_PLACES]
    of_place = iter(images[len(images) - len(places) :])  # media without a place stand first

    def placed(found: str) -> str:
        return Modality.IMAGE.place * len(next(of_place)) if found in _MEDIA_PLACES else found

    text = PLACES.sub(lambda match: placed(match[0]), content.text)
    return replace(content, text=text, media=tuple(image for several in images for image in several))


_MEDIA_PLACES = (Modality.IMAGE.place, Modality.VIDEO.place)


def _joined(first: Content, second: Content, word: str, max_frames: int) -> Content:
    group = f"{first.group}|in turn|{second.group}" if first.group and second.group else ""
    if not first.media:
        return replace(first, text=f"{first.text}{word}{second.text}", group=group)
    before, after = first.media[0], second.media[0]
    lasts = [video.duration or video.seconds[-1] + (video.frame_gap or 1.0) for video in (before, after)]
    size = (before.frames.shape[2], before.frames.shape[1])
    frames = np.concatenate([before.frames, np.stack([_sized(frame, size) for frame in after.frames])])
    seconds = (*before.seconds, *(lasts[0] + second for second in after.seconds))
    taken = np.unique(np.linspace(0, len(frames) - 1, min(max_frames, len(frames))).round().astype(np.int64))
    name = fingerprint(str(before.fingerprint), "in turn", str(after.fingerprint))
    video = Medium(Modality.VIDEO, frames[taken], name, tuple(seconds[place] for place in taken), sum(lasts))
    return replace(first, media=(video,), group=group)


def _sized(frame: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Returns a frame in (width, height): that of the clip before it."""
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    return np.asarray(Image.fromarray(np.ascontiguousarray(frame)).resize(size, Image.Resampling.BICUBIC))
