from dataclasses import replace

import numpy as np
import torch

from tests.word_processor import WordProcessor
from unite.data.collate import Collator
from unite.types import Content, Example, Medium, Modality


def picture(level):
    return Medium(Modality.IMAGE, np.full((1, 2, 2, 3), level, np.uint8), fingerprint=level)


def example(key, query, *positives, negatives=()):
    return Example(key, "s", query, positives, tuple(negatives))


def test_equal_contents_are_encoded_once_and_relations_point_at_them():
    cat, dog = Content(media=(picture(1),)), Content(media=(picture(2),))
    processor = WordProcessor()
    batch = Collator(processor, 100)(
        [
            example("a", Content("a cat", group="1"), Content(media=(picture(1),)), negatives=[dog]),
            example("b", Content("a dog"), dog, Content("some dog here")),
            example("c", Content("a cat", group="1"), cat),
        ]
    )
    relations = batch.relations
    assert len(processor.calls) == relations.num_contents == 5
    assert relations.query.tolist() == [0, 3, 0]
    assert relations.positive.tolist() == [[1, -1], [2, 4], [1, -1]]
    assert relations.negative.tolist() == [[2], [-1], [-1]]
    assert [Modality(int(value)) for value in relations.modality] == [
        Modality.TEXT,
        Modality.IMAGE,
        Modality.IMAGE,
        Modality.TEXT,
        Modality.TEXT,
    ]
    assert relations.identity[1] == cat.fingerprint and relations.identity[0] != relations.fingerprint[0]
    assert batch.keys == ["a", "b", "c"] and batch.sources == ["s"] * 3
    assert sorted(torch.cat([micro.contents for micro in batch.micro_batches]).tolist()) == list(range(5))


def test_micro_batches_keep_to_the_budget_and_hold_each_contents_own_tokens():
    texts = ["one two three", "x", "four letters word here", "a b"]
    batch = Collator(WordProcessor(), 4)([example(str(at), Content(text), Content("same")) for at, text in enumerate(texts)])
    found = {}
    for micro in batch.micro_batches:
        assert micro.input_ids.numel() <= 4
        for at, ids, mask in zip(micro.contents.tolist(), micro.input_ids, micro.attention_mask, strict=True):
            found[at] = ids[mask.bool()].tolist()
    assert [found[int(at)] for at in batch.relations.query] == [[len(word) for word in text.split()] for text in texts]


def test_a_refused_row_is_named_and_leaves_nothing_behind():
    batch = Collator(WordProcessor(), 100)(
        [example("good", Content("q"), Content("p")), example("bad", Content("only here"), Content("refuse"))]
    )
    assert batch.skipped == [("bad", "this content is refused")]
    assert batch.keys == ["good"] and batch.relations.num_contents == 2


def test_a_content_above_the_budget_is_a_row_left_out_and_named():
    rows = [
        example("good", Content("q"), Content("p")),
        example("long", Content("one two three four five"), Content("p")),
        example("surrogate", Content("q"), Content("half \ud83d")),
        example("again", Content("q"), Content("one two three four five")),
    ]
    batch = Collator(WordProcessor(), 4)(rows)
    assert batch.keys == ["good"] and [key for key, _ in batch.skipped] == ["long", "surrogate", "again"]
    message = "a content must be at most data.token_budget (4) tokens long, but is \"5 tokens (text 'one two three four five')\""
    assert batch.skipped[0][1].startswith(message) and "lower encoder.max_length" in batch.skipped[0][1]


def test_a_row_with_a_text_that_lost_its_end_is_named():
    class Cutting(WordProcessor):
        def encode(self, content):
            return replace(super().encode(content), is_cut="long" in content.text)

    rows = [
        example("a", Content("q"), Content("p")),
        example("b", Content("long"), Content("p")),
        example("c", Content("q"), Content("long")),
    ]
    assert Collator(Cutting(), 100)(rows).cut == ["b", "c"]


def test_a_batch_of_nothing_is_empty_and_whole():
    batch = Collator(WordProcessor(), 100)([])
    assert batch.micro_batches == [] and batch.relations.num_rows == batch.relations.num_contents == 0
