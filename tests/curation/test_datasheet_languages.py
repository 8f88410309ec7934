import numpy as np
import pytest

from unite.curation.datasheet_languages import language_bars, language_legend

SOURCES = {
    "a": {"texts": 10, "languages": {"en": 6, "not sure": 3, "de": 1}, "scripts": {"Latin": 10}},
    "b": {"texts": 4, "languages": {"ja": 4}, "scripts": {"Han": 3, "Hiragana": 1}},
    "empty": {"texts": 0, "languages": {}, "scripts": {}},
}


def test_a_bar_is_its_shares_and_what_is_not_sure_comes_last():
    first, second = language_bars(SOURCES, "languages")  # none for a source without texts
    assert [(piece.name, piece.rows, piece.width) for piece in first.pieces] == [("en", 6, 60), ("de", 1, 10), ("not sure", 3, 30)]
    assert [piece.start for piece in first.pieces] == [0, 60, 70] and first.told == "en 60 % · not sure 30 % · de 10 %"
    assert second.told == "ja 100 %" and second.texts == 4


def test_a_language_has_one_colour_in_all_bars():
    legend = language_legend(SOURCES, "languages")
    assert legend == (("kept", "en"), ("loss0", "ja"), ("loss1", "de"), ("rest", "others, or not sure"))
    colours = {name: colour for colour, name in legend}
    for bar in language_bars(SOURCES, "languages"):
        assert all(piece.colour == colours.get(piece.name, "rest") for piece in bar.pieces)
    assert "rest" not in dict(language_legend(SOURCES, "scripts"))


def test_many_languages_share_a_colour_and_small_shares_are_not_told():
    counts = {f"l{at:02d}": 1000 >> at for at in range(11)}
    sources = {"many": {"texts": sum(counts.values()), "languages": counts, "scripts": {}}}
    (bar,) = language_bars(sources, "languages")
    assert sum(piece.width for piece in bar.pieces) == pytest.approx(100) and len(bar.pieces) == 11
    assert [piece.colour for piece in bar.pieces[8:]] == ["rest"] * 3
    assert np.diff([piece.start for piece in bar.pieces]) == pytest.approx([piece.width for piece in bar.pieces[:-1]])
    few = {"few": {"texts": 1000, "languages": {"en": 996, "mg": 4}, "scripts": {}}}
    assert language_bars(few, "languages")[0].told == "en 100 %"
