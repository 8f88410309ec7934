import pytest

from unite.curation.datasheet_languages import language_bars, language_legend

SOURCES = {
    "a": {"texts": 10, "languages": {"en": 0.6, "no letters": 0.3, "de": 0.1}, "scripts": {"Latin": 1.0}},
    "b": {"texts": 4, "languages": {"ja": 1.0}, "scripts": {"Han": 0.75, "Hiragana": 0.25}},
    "empty": {"texts": 0, "languages": {}, "scripts": {}},
}


def test_a_bar_is_its_shares_and_what_has_no_colour_comes_last():
    first, second = language_bars(SOURCES, "languages")  # none for a source without texts
    assert [(piece.name, piece.rows, piece.width) for piece in first.pieces] == [("en", 6, 60), ("de", 1, 10), ("no letters", 3, 30)]
    assert [piece.start for piece in first.pieces] == [0, 60, 70] and first.told == "en 60 % · no letters 30 % · de 10 %"
    assert second.told == "ja 100 %" and second.texts == 4


def test_a_language_has_one_colour_in_all_bars():
    legend = language_legend(SOURCES, "languages")
    assert legend == (("kept", "en"), ("loss0", "ja"), ("loss1", "de"), ("rest", "others"))
    colours = {name: colour for colour, name in legend}
    for bar in language_bars(SOURCES, "languages"):
        assert all(piece.colour == colours.get(piece.name, "rest") for piece in bar.pieces)
    assert "rest" not in dict(language_legend(SOURCES, "scripts"))


def test_the_least_of_many_languages_share_a_colour():
    shares = {f"l{at:02d}": 2.0**-at / 2 for at in range(11)}
    (bar,) = language_bars({"many": {"texts": 1000, "languages": shares, "scripts": {}}}, "languages")
    assert [piece.colour for piece in bar.pieces[7:]] == ["loss6", "rest", "rest", "rest"]
    assert [piece.width for piece in bar.pieces] == pytest.approx([100 * share for share in shares.values()])
