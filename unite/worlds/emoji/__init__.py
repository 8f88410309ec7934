"""Emoji world: the built-in data, made on the spot.

    atlas -> scenes -> families of neighbours -> captions + pixels -> rows -> shards (train), tasks (test, held_in)

Scenes (3 x 3 cells, two or three glyphs, a plain background) and clips (one of two glyphs makes one of 8 motions) are drawn by a seed and
told in words; so every pair of modalities can be trained and tested without a download. 48 glyphs are common; 16 are rare, seen in training
about a fifteenth as often and asked for in the hard tests alone (`unite.worlds.emoji.hard`).

>>> world = EmojiWorld(WorldConfig(root="data"))
>>> world.prepare()
>>> sorted(path.name for path in (world.folder / "train").iterdir())
['i2t', 'it2i', 'it2t', 't2i', 't2it', 't2t', 't2v', 't2v_fine', 'v2t', 'v2t_fine', 'vt2v']
"""

from unite.worlds.emoji.world import EmojiWorld

__all__ = ["EmojiWorld"]
