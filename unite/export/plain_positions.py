"""Plain positions (`encoder.positions=sequential`) in a folder that transformers loads by itself.

transformers' processors tell the model which tokens stand for media (`mm_token_type_ids`), and the model places those by their grid, all
others one after the other. A processor asks the tokenizer for the ids of `<|image_pad|>` and `<|video_pad|>`, and tells of none where the
vocabulary has no such names. So these tokens keep their ids and have other names, which the normaliser puts in the place of the usual ones:
the model finds its media, by their ids, and places all tokens alike.

The new names hold a noncharacter (U+FDD1), which the chat template and the normaliser take out of what people write. unite itself reads the
folder by a processor with the usual names, in `PROCESSOR_FOLDER`.
"""

from __future__ import annotations

from typing import Any

from unite.config.schema.encoder import Positions, ReadingConfig
from unite.encoder.chat_prompt import GUARD
from unite.encoder.families.family import Family

MARK = "\ufdd1"


def are_plain(reading: ReadingConfig, family: Family | type[Family]) -> bool:
    """Returns whether positions are plain where the model of the family would place media by their grid."""
    return reading.positions is Positions.sequential and family.has_grids


def named_otherwise(tokenizer: dict[str, Any], pads: list[str]) -> dict[str, Any]:
    """Returns what tokenizer.json is to hold, its normaliser a sequence, with other names for the tokens that stand for media."""
    names = {pad: f"{MARK}{pad.strip('<|>')}{MARK}" for pad in pads}
    added = [one | {"content": names.get(one["content"], one["content"])} for one in tokenizer["added_tokens"]]
    added = [one | {"normalized": one["normalized"] or one["content"] in names.values()} for one in added]
    vocab = {names.get(token, token): number for token, number in tokenizer["model"]["vocab"].items()}
    pairs = {**names, MARK + GUARD: ""}  # after a mark that somebody wrote, the template puts a guard
    steps = [{"type": "Replace", "pattern": {"String": old}, "content": new} for old, new in pairs.items()]
    return tokenizer | {
        "added_tokens": added,
        "model": tokenizer["model"] | {"vocab": vocab, "unk_token": None},  # bytes leave nothing unknown
        "normalizer": tokenizer["normalizer"] | {"normalizers": [*steps, *tokenizer["normalizer"]["normalizers"]]},
    }


def settings_otherwise(settings: dict[str, Any], pads: list[str]) -> dict[str, Any]:
    """Returns what tokenizer_config.json is to hold: no names that the vocabulary has not, nor an id for those."""
    lists = {name: [one for one in value if one not in pads] for name, value in settings.items() if isinstance(value, list)}
    own = {name: value for name, value in settings.items() if name != "added_tokens_decoder" and value not in pads}
    return own | lists | {"unk_token": None}
