"""A piece of the true tokenizer of the Qwen-VL models: its own ids, and all of its merges that the texts of these tests need.

`qwen_tokens.json` beside it holds byte strings by their rank, which is their id, out of the 151,643 of `qwen.tiktoken` as the PyPI package
dashscope 2.0.2 brings it (Apache-2.0, Alibaba Cloud), and texts with the ids that those 151,643 give by the rule of tiktoken: of two
neighbours those are merged first whose union has the lowest rank. A text that needs others is split into smaller pieces than by the whole.
"""

import base64
import json
from itertools import pairwise
from pathlib import Path

from transformers import Qwen2Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from unite.encoder.tiny.tokenizer import SPECIAL_TOKENS

_FILE = json.loads((Path(__file__).parent / "qwen_tokens.json").read_text(encoding="utf-8"))
#: Text: its ids.
TEXTS = _FILE["texts"]
#: The id of the first special token: the others follow.
FIRST_SPECIAL = 151_643


def qwen_tokenizer(ranks=None):
    """Returns the tokenizer of these ranks, by default of the piece."""
    ranks = ranks or {base64.b64decode(token): rank for token, rank in _FILE["ranks"].items()}
    letters = bytes_to_unicode()
    written = {token: "".join(letters[byte] for byte in token) for token in ranks}
    vocab = {written[token]: rank for token, rank in ranks.items()}
    vocab |= {token: FIRST_SPECIAL + number for number, token in enumerate(SPECIAL_TOKENS)}
    merges = [tuple(written[part] for part in _halves(token, ranks)) for token in sorted(ranks, key=ranks.get) if len(token) > 1]
    return Qwen2Tokenizer(vocab=vocab, merges=merges, extra_special_tokens=list(SPECIAL_TOKENS), model_max_length=32768)


def _halves(token, ranks):
    """Returns the two tokens that are merged into this one: what is left of its bytes when all earlier merges are done."""
    parts = [token[at : at + 1] for at in range(len(token))]
    while len(parts) > 2:
        merged = [ranks.get(one + other, FIRST_SPECIAL) for one, other in pairwise(parts)]
        first = merged.index(min(merged))
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
    return parts
