import pytest

from unite.worlds.stamps.concepts import concept_of, is_held_out


@pytest.mark.parametrize(
    ("captions", "concept"),
    [
        (["A fly.", "fly", "Fly 2", "the fly (3)", "FLY #4"], "fly"),
        (["woman running", "man running", "person running", "running"], "running"),
        (["a man", "Man"], "man"),
        (["men with bunny ears", "people with bunny ears"], "with bunny ears"),
        (["A red, yellow, and orange rose."], "red yellow and orange rose"),
        (["Woman's hat"], "s hat"),
        (["2"], "2"),
        (["!?"], ""),
    ],
)
def test_captions_of_one_concept(captions, concept):
    assert {concept_of(caption) for caption in captions} == {concept}


def test_about_the_share_of_concepts_is_held_out_and_another_seed_holds_out_others():
    concepts = [f"thing {chr(97 + number % 26)}{number}" for number in range(2000)]
    held_out = {seed: {concept for concept in concepts if is_held_out(concept, seed, 0.3)} for seed in (0, 1)}
    assert all(540 < len(one) < 660 for one in held_out.values())  # 600 ± 3 standard deviations
    assert 120 < len(held_out[0] & held_out[1]) < 240  # 180 of both, if they are drawn apart
    assert held_out[0] == {concept for concept in reversed(concepts) if is_held_out(concept, 0, 0.3)}
