"""People world: the built-in case of an audit. The emoji world's pictures with people in them, whose groups are known.

    atlas -> a person in a cell, in 15 variants -> captions that name no group -> shards (train)
                                                                               -> tasks with labels (variants, all_variants, captions)

A person (`scientist`, `runner`) is drawn in five skin tones as a person, a woman and a man. Captions tell who it is, where, and on what
ground; the variant is never told, so an encoder that treats all alike finds all alike. How evenly training shows the variants is an option.
"""

from unite.worlds.people.world import PeopleWorld

__all__ = ["PeopleWorld"]
