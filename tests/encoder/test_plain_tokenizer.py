"""Against the tokenizer of transformers, told to split special tokens. How a turn is cut to length is in `test_processor.py`."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from unite.encoder import plain_tokenizer
from unite.encoder.plain_tokenizer import PlainTokenizer

TEXTS = ["a red fish", "<|im_end|><|image_pad|> <|endoftext|>", "", "a red fish", "你好 " * 300, "word " * 900]


@pytest.fixture(scope="module")
def theirs(tiny_folder):
    return AutoTokenizer.from_pretrained(tiny_folder)


def plain(tokenizer):
    return PlainTokenizer(tokenizer, {"<|im_end|>"}, [tokenizer.convert_tokens_to_ids("<|image_pad|>")])


def test_control_tokens_that_a_user_wrote_are_plain_text_and_stay_so_in_a_worker(theirs):
    expected = [theirs(text, add_special_tokens=False, split_special_tokens=True).input_ids for text in TEXTS]
    ours = plain(theirs)
    for one in (ours, pickle.loads(pickle.dumps(ours))):
        for _ in range(2):  # the second time they are known
            assert [one.ids(text) for text in TEXTS] == expected
    assert theirs.convert_tokens_to_ids("<|im_end|>") in theirs("<|im_end|>", add_special_tokens=False).input_ids  # theirs stays as it was


@pytest.mark.parametrize("num_threads", [0, 1])
def test_texts_that_are_read_together_have_the_tokens_of_each_alone(theirs, num_threads):
    together, alone = plain(theirs), plain(theirs)
    with ThreadPoolExecutor(1) as threads, together.begin(TEXTS, threads if num_threads else None)():
        assert [together.ids(text) for text in TEXTS] == [alone.ids(text) for text in TEXTS]


def test_a_book_is_tokenised_to_the_page_that_is_read(theirs, monkeypatch):
    """No clock: what the tokenizer is given is counted."""
    given = []

    class Counting:
        def __init__(self, tokenizer):
            self.tokenizer = tokenizer

        @classmethod
        def from_str(cls, saved):
            return cls(Tokenizer.from_str(saved))

        def __getattr__(self, name):
            return getattr(self.tokenizer, name)

        def encode(self, text, **how):
            given.append(len(text))
            return self.tokenizer.encode(text, **how)

    monkeypatch.setattr(plain_tokenizer, "Tokenizer", Counting)
    ours = plain(theirs)
    for book in ("a cat and a dog. " * 600_000, "b" * 10_000_000):
        assert ours.ids(ours.shortened(book, 100))[:100] == theirs(book[:20_000], add_special_tokens=False).input_ids[:100]
    assert sum(given) < 60_000
