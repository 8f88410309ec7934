"""The emoji world's pools of candidates as what is searched: each picture and clip with its caption, and what is on it to filter by."""

from __future__ import annotations

from collections.abc import Mapping

from unite.config.schema.embed import ColumnsConfig
from unite.data.rows import StoredContent
from unite.search.corpus.rows import Scalar
from unite.search.corpus.shards import ShardSource
from unite.worlds.emoji import EmojiWorld
from unite.worlds.emoji.captions import dense, describe
from unite.worlds.emoji.scenes import Clip, Scene

#: Pools that training never showed. Of the clips those whose rows tell everything that they show.
_POOLS = {"pictures": "test/t2i/candidates", "clips": "test/t2v_fine/candidates"}


class EmojiPool(ShardSource):
    """A pool of scenes or clips, as a `CorpusSource`: the identity that a row has as its group tells what it shows."""

    @property
    def columns(self) -> Mapping[str, str]:
        """As of `CorpusSource`."""
        return dict.fromkeys(("glyphs", "background", "motion"), "string")

    def told(self, content: StoredContent) -> tuple[str, Mapping[str, Scalar]]:
        """As of `ShardSource`: the caption, which glyphs there are, on which background, and how one moves."""
        if content.group.startswith("clip|"):
            clip = Clip.of_identity(content.group)
            return dense(clip), {**_seen(clip), "motion": clip.motion}
        scene = Scene.of_identity(content.group)
        return describe(scene), _seen(scene)


def _seen(shown: Scene | Clip) -> dict[str, Scalar]:
    return {"glyphs": ", ".join(glyph.name for glyph in shown.glyphs), "background": shown.background}


def emoji_pools(world: EmojiWorld) -> dict[str, EmojiPool]:
    """Returns what is searched of a world that is prepared, by name."""
    return {name: EmojiPool(str((world.folder / pool).absolute()), ColumnsConfig()) for name, pool in _POOLS.items()}
