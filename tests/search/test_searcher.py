"""A corpus with a real (tiny) encoder: what is asked, against sums and sorts of its own vectors."""

import numpy as np
import pytest
from PIL import Image

from tests.encoder.checkpoints import tiny
from tests.search.corpora import unit, write
from tests.search.media_files import clip
from unite.embedding import Embedder
from unite.errors import CheckpointError, DataError, UniteError
from unite.search.corpus.embed import embed_corpus
from unite.search.corpus.encoder import CorpusEncoder
from unite.search.hits import QueryPart, Search, Searching
from unite.search.index import Index
from unite.search.searcher import Searcher

COLOURS = ("red", "green", "blue", "white", "black", "grey")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return str(tiny(tmp_path_factory.mktemp("checkpoint")))


@pytest.fixture(scope="module")
def folder(checkpoint, tmp_path_factory):
    pictures, out = tmp_path_factory.mktemp("pictures"), tmp_path_factory.mktemp("corpus")
    for place, colour in enumerate(COLOURS):
        Image.new("RGB", (40 + place, 40), colour).save(pictures / f"{colour}.png")
    texts = pictures / "texts.csv"
    texts.write_text("id,text,price\n" + "".join(f"t{place},a {colour} bird,{place}\n" for place, colour in enumerate(COLOURS)))
    embedder = Embedder(checkpoint, device="cpu")
    embed_corpus({"p": str(pictures), "t": str(texts)}, out, CorpusEncoder(checkpoint, "tiny", lambda: embedder.encoder))
    return out


@pytest.fixture(scope="module")
def searcher(folder, checkpoint):
    opened: Searching = Searcher.open(folder, device="cpu")
    return opened


def ids(hits):
    return [hit.id for hit in hits]


def ranked(searcher, query, without=()):
    rows = [hit.id for hit in searcher.search(Search(words="", parts=[QueryPart("x")], k=100))]
    vectors = searcher.index.embeddings(rows)
    order = np.argsort(-(vectors @ (query / np.linalg.norm(query))), kind="stable")
    return [rows[place] for place in order if rows[place] not in without]


def test_an_encoder_that_was_moved_is_told_with_the_option_for_it(tmp_path):
    write(tmp_path, unit(3))
    with pytest.raises(CheckpointError, match=r"'runs/birds, .* made the corpus in .* say where it is now by checkpoint\.$"):
        Searcher.open(tmp_path, device="cpu")
    with pytest.raises(CheckpointError, match=r"heck the path\.$"):
        Searcher.open(tmp_path, "runs/other", device="cpu")


def test_it_says_what_it_searches(searcher):
    assert (searcher.name, searcher.num_rows, list(searcher.modalities)) == ("tiny", 12, ["image", "text"])
    assert searcher.columns == {"price": "int64"}


def test_a_picture_finds_itself_and_a_text_finds_its_own(searcher, folder):
    source = searcher.row("p/red.png").source
    picture = searcher.search(Search(parts=[QueryPart(Image.open(source).copy())], k=1))[0]
    assert picture.id == "p/red.png" and picture.score == pytest.approx(1, abs=1e-4) and picture.thumbnail
    text = searcher.search(Search(parts=[QueryPart("a blue bird")], modalities=["text"], k=1))[0]
    assert text.id == "t/t2" and text.text == "a blue bird" and text.metadata == {"price": 2}


def test_a_clip_that_takes_too_long_is_refused(searcher, folder):
    found = searcher.search(Search(parts=[QueryPart({"video": [clip("png", "mp4")]})], k=1))
    assert len(found) == 1
    hasty = Searcher.open(folder, device="cpu", deadline_seconds=1e-9)
    with pytest.raises(DataError, match="must be decoded within 1e-09 seconds"):
        hasty.search(Search(parts=[QueryPart({"video": [clip("png", "mp4")]})], k=1))


def test_parts_rows_and_what_is_not_meant_are_one_sum(searcher):
    items = ["a red bird", "a blue bird"]
    first, second = searcher.embed(items)
    like = searcher.index.embeddings(["t/t3", "p/green.png"])
    parts = [QueryPart(items[0], 2.0), QueryPart(items[1], -0.5)]
    found = searcher.search(Search(parts=parts, like=["t/t3", "p/green.png"], k=100))
    assert ids(found) == ranked(searcher, 2 * first - 0.5 * second + like.sum(axis=0), without=("t/t3", "p/green.png"))
    made = [QueryPart(None, 2.0, vector=first), QueryPart(None, -0.5, vector=second)]
    again = searcher.search(Search(parts=made, like=["t/t3", "p/green.png"], k=100))
    assert ids(again) == ids(found)
    assert len(ids(searcher.search(Search(like=["t/t3"], k=100)))) == 11


def test_words_filters_and_pages_go_through(searcher):
    both = Search(parts=[QueryPart("a bird")], words="green", k=12)
    assert searcher.search(both)[0].text == "a green bird"
    assert ids(searcher.search(Search(words="bird", where="price >= 4"))) == ["t/t4", "t/t5"]
    whole = ids(searcher.search(Search(parts=[QueryPart("a bird")], k=12)))
    pages = [id for offset in (0, 5, 10) for id in ids(searcher.search(Search(parts=[QueryPart("a bird")], k=5, offset=offset)))]
    assert pages == whole and len(set(whole)) == 12


def test_what_cannot_be_searched_for_is_told(searcher):
    with pytest.raises(DataError, match="they cancel each other out"):
        searcher.search(Search(parts=[QueryPart("a bird"), QueryPart("a bird", -1)]))
    with pytest.raises(DataError, match="like must be ids of rows of .*, but is 'p/pink.png'"):
        searcher.search(Search(like=["p/pink.png"]))
    with pytest.raises(DataError, match="modality must be one of .*sound"):
        searcher.search(Search(words="bird", modalities=["sound"]))
    with pytest.raises(DataError, match=r"the vector of a query's part must be of shape \(\d+,\), but is \(3,\)"):
        searcher.search(Search(parts=[QueryPart(None, vector=np.ones(3))]))
    with pytest.raises(UniteError, match="the name of a file as a string"):
        searcher.search(Search(parts=[QueryPart("pyproject.toml.png"), QueryPart("/etc/x.png")]))


def test_another_encoder_and_another_prompt_are_refused(folder, checkpoint, tmp_path):
    other = Embedder(checkpoint, device="cpu")
    next(other.encoder.parameters()).data[0, 0] += 1
    with pytest.raises(DataError, match="the encoder must be that which made the corpus in .*tiny.*Vectors of two encoders"):
        Searcher(Index(folder), other)
    with pytest.raises(DataError, match="how the encoder reads .* must be that which made the corpus"):
        Searcher.open(folder, device="cpu", min_image_tokens=1, max_image_tokens=4)
