"""The tiny encoders' tokenizer: byte-level BPE as Qwen's is, trained on the texts at hand, with Qwen's special tokens and chat template."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from unite.errors import ConfigError, must_be

#: Qwen's, in Qwen's order; they end the vocabulary.
SPECIAL_TOKENS = tuple(
    f"<|{name}|>"
    for name in (
        *("endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end", "quad_start", "quad_end"),
        *("vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"),
    )
)
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] in ('image', 'video') %}<|vision_start|><|{{ part['type'] }}_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: What the architectures see. Not all kinds of media there are: another one must not make another tokenizer of the same name.
_MEDIA = ("image", "video")
#: What the prompt itself says, often enough that it becomes few tokens.
_PROMPT_TEXTS = (
    "system\nYou are a helpful assistant.",
    "user\n",
    "assistant\n",
    *(f"<{tenth / 10} seconds>" for tenth in range(100)),  # as Qwen3-VL tells a frame's time
    *(f"\nSummary above {what} in one word:" for what in ("sentence", *_MEDIA, *(f"sentence and {word}" for word in _MEDIA))),
) * 100


def split_share(tokenizer: Callable[[str], Any], texts: Iterable[str]) -> float:
    """Returns the share of the words that the tokenizer has no token for and writes in pieces, down to bytes; 0 without words.

    Args:
        tokenizer: of transformers.
        texts: each word counts as often as it comes.
    """
    words = Counter(word for text in texts for word in re.findall(r"[^\W\d_]+", text))
    in_pieces = sum(count for word, count in words.items() if min(len(tokenizer(start + word).input_ids) for start in ("", " ")) > 1)
    return in_pieces / max(words.total(), 1)


def train_tokenizer(corpus: Iterable[str], vocab_size: int) -> Qwen2Tokenizer:
    """Trains a byte-level BPE tokenizer as Qwen's is; the special tokens have the last ids.

    Raises:
        ConfigError: if `vocab_size` is too small for the 256 bytes and the special tokens.
    """
    num_learnt = vocab_size - len(SPECIAL_TOKENS)
    if num_learnt < 256:
        raise ConfigError(must_be("encoder.checkpoint.vocab_size", f"at least {256 + len(SPECIAL_TOKENS)}", vocab_size))
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=num_learnt, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator([*corpus, *_PROMPT_TEXTS], trainer)
    vocab = backend.get_vocab()
    merges: list[Any] = [tuple(pair) for pair in json.loads(backend.to_str())["model"]["merges"]]
    for token in SPECIAL_TOKENS:  # in the vocabulary itself, so that they keep their ids when the tokenizer is loaded again
        vocab[token] = len(vocab)
    return Qwen2Tokenizer(vocab=vocab, merges=merges, extra_special_tokens=list(SPECIAL_TOKENS), model_max_length=32768)
