"""Stamps: what people drew and wrote, fetched through the package clients of the machine.

    packages --fetch--> trees --gather--> pictures and tables --curate--> one set --write--> shards (train) and tasks (test)

    python -m unite.worlds.stamps                       # all but the animations
    python -m unite.worlds.stamps animations=[1]        # with the first of four parts of them, 165 MB each

    collection    of                                              has
    tuxpaint      Tux Paint's stamps, photographs and drawings    captions in English and other languages
    emoji         Fluent Emoji in 3D                              names in English and other languages, keywords, animations
    openmoji      OpenMoji, another style of the same             the same names
    clipart       the Open Clip Art Library                       titles, keywords

A concept is what a caption names (`unite.worlds.stamps.concepts`); it is trained on or tested, in every collection alike.
"""

from unite.worlds.stamps.world import StampsWorld

__all__ = ["StampsWorld"]
