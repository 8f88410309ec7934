"""Families to training rows: one recipe draws a family and tells it in one to three ways.

    recipe          sources              query                          positive
    paraphrases     t2t                  caption                        the same in other words
    pictures        t2i, i2t             caption                        picture (and back)
    clips           t2v, v2t             brief caption                  clip (and back)
    dense_clips     t2v_fine, v2t_fine   dense caption                  clip (and back)
                    vt2v                 clip and edit                  edited clip
    questions       it2t                 picture and question           answer
    edits           it2i                 picture and edit               edited picture
    captioned       t2it                 caption                        picture and its title

A content's group is the identity of what it shows or tells. The query of an edit, and a question, has the group of its target. Brief
captions and their clips have the clip's gist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from numpy.random import Generator

from unite.data.rows import StoredContent, StoredMedium
from unite.types import Modality
from unite.worlds.emoji.captions import brief, dense, describe, edit, paraphrase, question, title
from unite.worlds.emoji.hard_neighbours import Companions, clip_family, num_glyphs, question_family, scene_family
from unite.worlds.emoji.render import encode_clip, encode_scene
from unite.worlds.emoji.scenes import Clip, Scene

Pair = tuple[StoredContent, StoredContent]
#: Draws one family: source name -> its four (query, positive). `alone`: of scenes with a single glyph, where the recipe has scenes;
#: `num_frames`: of its clips, where it has some.
Recipe = Callable[[Generator, Companions, bool, int], Mapping[str, list[Pair]]]

INSTRUCTIONS = {
    "it2t": "Answer the question.",
    "it2i": "Find the edited image.",
    "vt2v": "Find the edited video.",
    "t2it": "Find the image with its title.",
}


@dataclass(frozen=True)
class Kind:
    """The modalities of a source's pairs."""

    query: Modality
    positive: Modality


_T, _I, _V = Modality.TEXT, Modality.IMAGE, Modality.VIDEO
KINDS = {
    "t2t": Kind(_T, _T),
    "t2i": Kind(_T, _I),
    "i2t": Kind(_I, _T),
    "t2v": Kind(_T, _V),
    "v2t": Kind(_V, _T),
    "t2v_fine": Kind(_T, _V),
    "v2t_fine": Kind(_V, _T),
    "it2t": Kind(_T | _I, _T),
    "it2i": Kind(_T | _I, _I),
    "vt2v": Kind(_T | _V, _V),
    "t2it": Kind(_T, _T | _I),
}


def _paraphrases(rng: Generator, companions: Companions, alone: bool, num_frames: int) -> Mapping[str, list[Pair]]:
    return {
        "t2t": [
            (StoredContent(describe(scene), group=scene.identity), StoredContent(paraphrase(scene), group=scene.identity))
            for scene in scene_family(rng, companions, num_glyphs=num_glyphs(alone))
        ]
    }


def _pictures(rng: Generator, companions: Companions, alone: bool, num_frames: int) -> Mapping[str, list[Pair]]:
    family = scene_family(rng, companions, num_glyphs=num_glyphs(alone))
    pairs = [
        (StoredContent(describe(scene), group=scene.identity), StoredContent(media=(encode_scene(scene),), group=scene.identity))
        for scene in family
    ]
    return {"t2i": pairs, "i2t": [(image, text) for text, image in pairs]}


def _clips(rng: Generator, companions: Companions, alone: bool, num_frames: int) -> Mapping[str, list[Pair]]:
    family = clip_family(rng, companions, ("motion", "glyph"))
    pairs = [
        (StoredContent(brief(clip), group=clip.gist), StoredContent(media=(encode_clip(clip, num_frames),), group=clip.gist))
        for clip in family
    ]
    return {"t2v": pairs, "v2t": [(clip, text) for text, clip in pairs]}


def _dense_clips(rng: Generator, companions: Companions, alone: bool, num_frames: int) -> Mapping[str, list[Pair]]:
    """The edits of clips are made of the same clips as their captions: to render and to code them takes most of the time."""
    family = clip_family(rng, companions)
    media = [encode_clip(clip, num_frames) for clip in family]
    contents = [StoredContent(media=(medium,), group=clip.identity) for clip, medium in zip(family, media, strict=True)]
    pairs = [(StoredContent(dense(clip), group=clip.identity), content) for clip, content in zip(family, contents, strict=True)]
    return {
        "t2v_fine": pairs,
        "v2t_fine": [(content, text) for text, content in pairs],
        "vt2v": edited(family, media, Modality.VIDEO.place, INSTRUCTIONS["vt2v"]),
    }


def _questions(rng: Generator, companions: Companions, alone: bool, num_frames: int) -> Mapping[str, list[Pair]]:
    pairs = []
    for scene, asked in question_family(rng, companions):
        text, answer = question(scene, asked)
        group = f"answer|{answer}"
        query = StoredContent(f"{Modality.IMAGE.place}{text}", (encode_scene(scene),), INSTRUCTIONS["it2t"], group)
        pairs.append((query, StoredContent(answer, group=group)))
    return {"it2t": pairs}


def _edits(rng: Generator, companions: Companions, alone: bool, num_frames: int) -> Mapping[str, list[Pair]]:
    family = scene_family(rng, companions, ("glyph", "place", "background"), num_glyphs=num_glyphs(alone))
    return {"it2i": edited(family, [encode_scene(scene) for scene in family], Modality.IMAGE.place, INSTRUCTIONS["it2i"])}


def edited(family: Sequence[Scene] | Sequence[Clip], media: Sequence[StoredMedium], place: str, instruction: str) -> list[Pair]:
    """Edits each member of a family into the next, so that a query's own picture is another query's target: a hard negative."""
    pairs = []
    for start in range(len(family)):
        end = (start + 1) % len(family)
        before, after = family[start], family[end]
        query = StoredContent(f"{place}{edit(before, after)}", (media[start],), instruction, after.identity)
        pairs.append((query, StoredContent(media=(media[end],), group=after.identity)))
    return pairs


def _captioned(rng: Generator, companions: Companions, alone: bool, num_frames: int) -> Mapping[str, list[Pair]]:
    pairs = []
    for scene in scene_family(rng, companions, num_glyphs=num_glyphs(alone)):
        query = StoredContent(describe(scene), instruction=INSTRUCTIONS["t2it"], group=scene.identity)
        pairs.append((query, StoredContent(f"{Modality.IMAGE.place}{title(scene)}", (encode_scene(scene),), group=scene.identity)))
    return {"t2it": pairs}


RECIPES: dict[str, Recipe] = {
    "paraphrases": _paraphrases,
    "pictures": _pictures,
    "clips": _clips,
    "dense_clips": _dense_clips,
    "questions": _questions,
    "edits": _edits,
    "captioned": _captioned,
}
