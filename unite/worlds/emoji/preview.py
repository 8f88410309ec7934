"""One picture of the world: scenes with their captions, clips frame by frame, an edit and a question."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unite.worlds.emoji.captions import brief, dense, describe, edit, question
from unite.worlds.emoji.hard_neighbours import draw_clip, question_family, scene_family
from unite.worlds.emoji.render import SIZE, draw_scene
from unite.worlds.emoji.render import draw_clip as draw_frames
from unite.worlds.emoji.world import EmojiWorld

_ZOOM = 2
_TILE = _ZOOM * SIZE
_GAP = 20
_MARGIN = 36
_WIDTH = 2 * _MARGIN + 6 * _TILE + 5 * _GAP
_INK, _SOFT, _PAPER, _LINE = (32, 34, 40), (104, 108, 118), (250, 250, 248), (206, 208, 212)
_LINE_HEIGHT = 21


def draw(world: EmojiWorld, path: str | Path, seed: int = 0) -> None:
    """Draws a contact sheet of a world and saves it as PNG; the world need not be built.

    Args:
        world: whose glyphs are shown, in combinations of its training split.
        path: of the PNG, 1180 pixels wide.
        seed: another seed, other examples.
    """
    rng = np.random.default_rng(seed)
    sheet = _Sheet()
    _draw_scenes(sheet, world, rng)
    _draw_clips(sheet, world, rng)
    _draw_edits(sheet, world, rng)
    sheet.save(Path(path))


def _draw_scenes(sheet: _Sheet, world: EmojiWorld, rng: Generator) -> None:
    sheet.heading("Scenes and captions", "text ↔ image; hard neighbours differ in one attribute: here place, then glyph")
    companions = world.companions["train"]
    scenes = [*scene_family(rng, companions, ("place",))[:3], *scene_family(rng, companions, ("glyph",))[:3]]
    sheet.row([(draw_scene(scene), describe(scene)) for scene in scenes])


def _draw_clips(sheet: _Sheet, world: EmojiWorld, rng: Generator) -> None:
    sheet.heading("Clips", "text ↔ video; four frames; the clip played backwards is a hard distractor")
    clip = draw_clip(rng, world.companions["train"])
    for motion in ("moves right", "moves left", "grows"):
        clip = replace(clip, motion=motion)
        sheet.row([(frame, "") for frame in draw_frames(clip)], note=[("brief", brief(clip)), ("dense", dense(clip))])


def _draw_edits(sheet: _Sheet, world: EmojiWorld, rng: Generator) -> None:
    sheet.heading("Composed queries", "picture + text → picture, picture + text → text")
    companions = world.companions["train"]
    before, after = scene_family(rng, companions, ("background",))[:2]
    old, new = scene_family(rng, companions, ("glyph",))[:2]
    scene, asked = question_family(rng, companions)[0]
    text, answer = question(scene, asked)
    sheet.row(
        [
            (draw_scene(before), f"+ “{edit(before, after)}”  →"),
            (draw_scene(after), ""),
            (draw_scene(old), f"+ “{edit(old, new)}”  →"),
            (draw_scene(new), ""),
            (draw_scene(scene), f"+ “{text}”  →"),
        ],
        note=[("answer", answer)],
    )


class _Sheet:
    """A page that grows downwards."""

    def __init__(self) -> None:
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self.title = ImageFont.truetype(str(fonts / "DejaVuSans-Bold.ttf"), 21)
        self.bold = ImageFont.truetype(str(fonts / "DejaVuSans-Bold.ttf"), 15)
        self.plain = ImageFont.truetype(str(fonts / "DejaVuSans.ttf"), 15)
        self.page = Image.new("RGB", (_WIDTH, 4000), _PAPER)
        self.pen = ImageDraw.Draw(self.page)
        self.top = _MARGIN - 8

    def heading(self, title: str, about: str) -> None:
        """Writes a title, and beside it what the rows below show."""
        self.pen.text((_MARGIN, self.top), title, _INK, self.title)
        self.pen.text((_MARGIN + self.pen.textlength(title, self.title) + 16, self.top + 6), about, _SOFT, self.plain)
        self.top += 40

    def row(self, tiles: Sequence[tuple[NDArray[np.uint8], str]], note: Sequence[tuple[str, str]] = ()) -> None:
        """Draws pictures side by side with captions below them, and named notes in the room that is left."""
        tallest = 0
        for column, (picture, caption) in enumerate(tiles):
            left = _MARGIN + column * (_TILE + _GAP)
            tile = Image.fromarray(picture).resize((_TILE, _TILE), Image.Resampling.NEAREST)
            self.page.paste(tile, (left, self.top))
            self.pen.rectangle((left - 1, self.top - 1, left + _TILE, self.top + _TILE), outline=_LINE)
            tallest = max(tallest, self._paragraph(left, self.top + _TILE + 8, caption, width=_TILE))
        left, top = _MARGIN + len(tiles) * (_TILE + _GAP), self.top + 8
        for name, text in note:
            self.pen.text((left, top), name, _SOFT, self.bold)
            top += _LINE_HEIGHT + self._paragraph(left, top + _LINE_HEIGHT, text, width=_WIDTH - _MARGIN - left) + 12
        self.top += _TILE + (tallest + 16 if tallest else 0) + 22

    def save(self, path: Path) -> None:
        """Cuts the page where the drawing ends and saves it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.crop((0, 0, _WIDTH, self.top)).save(path, optimize=True)

    def _paragraph(self, left: int, top: int, text: str, width: int) -> int:
        """Writes a text, broken to the width in pixels; returns its height."""
        characters = int(width / self.plain.getlength("n")) + 2
        lines = textwrap.wrap(text, characters)
        while any(self.plain.getlength(line) > width for line in lines):
            characters -= 1
            lines = textwrap.wrap(text, characters)
        for row, line in enumerate(lines):
            self.pen.text((left, top + row * _LINE_HEIGHT), line, _INK, self.plain)
        return len(lines) * _LINE_HEIGHT
