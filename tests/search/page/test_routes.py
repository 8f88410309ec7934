"""The page as the server makes it, without a browser; `shown.py` by way of it."""

import asyncio
import re
from html import unescape

import pytest
from starlette.testclient import TestClient

from tests.search.media_files import picture
from tests.search.page.material import WordSearching, rows
from unite.data.labels import read_labels
from unite.search.page.routes import page_routes
from unite.search.server.app import make_app


def client_of(*searchers, labels=None):
    app = make_app({one.name: one for one in searchers}, token=None, hosts=["testserver"], routes=page_routes(labels))
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def searching():
    return WordSearching(rows())


@pytest.fixture
def client(searching):
    with client_of(searching) as client:
        yield client


def ids(text):
    return [unescape(one) for one in re.findall(r'data-id="([^"]*)"', text)]


def attributes(text, name):
    return [unescape(one) for one in re.findall(rf'{name}="([^"]*)"', text)]


def test_what_was_typed_is_searched_and_the_best_is_first(client, searching):
    page = client.get("/?text=even+colour")
    assert page.status_code == 200
    assert ids(page.text) == [f"id {at}&<x>" for at in (*range(0, 30, 2), *range(1, 18, 2))]
    assert 'value="even colour"' in page.text and "1.000" in page.text
    assert searching.searches[-1].k == 25


class AskedByThreads(WordSearching):
    """Refuses to tell of itself in an event loop, where reading a corpus again would make all others wait."""

    def __getattribute__(self, name):
        if name in ("columns", "modalities", "num_rows"):
            with pytest.raises(RuntimeError):
                asyncio.get_running_loop()
        return super().__getattribute__(name)


def test_no_other_request_waits_while_a_corpus_that_changed_is_read_again():
    with client_of(AskedByThreads(rows())) as client:
        assert ids(client.get("/?text=even").text) and "price" in client.get("/").text
        (corpus,) = client.get("/api/corpora").json()["corpora"]
        assert corpus["columns"]["price"] == "int64" and corpus["num_rows"] == len(rows())


def test_pages_follow_each_other(client):
    first = client.get("/?text=even")
    (following,) = [link for link in attributes(first.text, "href") if "page=2" in link]
    second = client.get(following.removesuffix("#results"))
    assert len(ids(first.text)) == 24 and len(ids(second.text)) == 7
    assert len({*ids(first.text), *ids(second.text)}) == 31
    assert 'rel="next"' not in second.text and 'rel="prev"' in second.text
    assert client.get("/?text=even&page=3").text.count("There is nothing on this page") == 1


def test_captions_with_scripts_in_them_are_text(client):
    page = client.get("/?text=script&text=%3Cscript%3Ealert(1)%3C/script%3E")
    assert ids(page.text)[0] == "script"
    assert page.text.count("<script") == 1 and '<script src="/page.js" defer>' in page.text
    assert "onerror=&#34;" in page.text and "<b>script" not in page.text and "&#34;&gt;&lt;b&gt;" in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe-inline" not in policy and "default-src 'none'" in policy
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)  # nothing from elsewhere
    assert not re.search(r"\son\w+=\"|style=\"", re.sub(r"&#34;", "", page.text))


def test_a_dropped_picture_becomes_an_address(client, searching):
    data = searching.media("id 4&<x>")[0]
    sent = {"text": "", "weight": "1", "sign": "plus", "modality": "image"}
    answer = client.post("/", data=sent, files={"file0": ("../../etc/x.png", data, "image/png")}, follow_redirects=False)
    assert answer.status_code == 303
    page = client.get(answer.headers["location"])
    assert ids(page.text)[0] == "id 4&<x>" and "data:image/jpeg" in page.text
    assert searching.searches[-1].modalities == ("image",)
    gone = client.get("/?text=&upload=0123456789&weight=1&sign=plus")
    assert gone.status_code == 400 and "not kept any more: drop it again" in gone.text
    assert "0123456789" not in gone.text  # the next search does not ask for it


def test_several_pictures_make_parts(client, searching):
    files = [(f"file{at}", ("x.png", searching.media(f"id {at}&<x>")[0], "image/png")) for at in (0, 1)]
    page = client.post("/", data={"text": "and words"}, files=files)
    assert page.text.count("Take the picture or clip away") == 2
    assert [sorted(part.item) for part in searching.searches[-1].parts] == [["image", "instruction", "text"]] * 2
    assert searching.searches[-1].parts[0].item["text"] == "and words"


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("x.png", b"<svg onload='alert(1)'/>", "must be the bytes of"),
        ("x.exe", b"MZ" + bytes(50), "must be the bytes of an image or a video"),
        ("cut.png", picture("red")[:70], "cannot be decoded"),
    ],
)
def test_an_upload_that_is_none_is_told_on_the_page(client, name, data, told):
    page = client.post("/", data={"text": "even"}, files={"file0": (name, data, "image/png" if name.endswith("png") else "")})
    assert page.status_code == 400 and 'role="alert"' in page.text
    assert told in unescape(page.text) and "<svg onload" not in page.text


def test_what_was_typed_stays_where_a_file_is_refused(client):
    typed = {"text": "a red bird", "column": "price", "operator": "<", "value": "7", "where": "price > 1"}
    page = client.post("/", data=typed, files={"file0": ("notes.txt", b"hello", "text/plain")})
    assert page.status_code == 400 and "notes.txt must be the bytes of" in unescape(page.text)
    assert 'value="a red bird"' in page.text and 'value="7"' in page.text and 'value="price &gt; 1"' in page.text


def test_a_page_of_as_many_parts_and_filters_as_there_may_be_is_a_form_that_is_read(client):
    fields = {"text": [f"word {place}" for place in range(16)], "upload": [""] * 16, "weight": ["1"] * 16, "sign": ["plus"] * 16}
    fields |= {"column": ["price"] * 16, "operator": [">"] * 16, "value": ["-1"] * 16, "words": "", "where": "", "do": "search"}
    files = [(f"file{place}", ("", b"", "application/octet-stream")) for place in range(16)]
    assert client.post("/", data=fields, files=files, follow_redirects=False).status_code == 303


def test_what_fits_into_no_address_is_told_and_stays(client):
    page = client.post("/", data={"text": "鳥" * 6000})
    assert page.status_code == 400 and "what is asked must be at most 48000 bytes of an address" in unescape(page.text)
    assert "鳥" * 6000 in page.text
    assert client.post("/", data={"text": "鳥" * 5000}, follow_redirects=False).status_code == 303


def test_parts_with_weights_and_not_this(client, searching):
    page = client.get("/?text=even&weight=2&sign=plus&text=colour&weight=0.5&sign=not")
    assert [part.weight for part in searching.searches[-1].parts] == [2.0, -0.5]
    assert page.text.count('<select name="sign"') == 2 and 'value="0.5"' in page.text
    more = client.post("/", data={"text": "even", "do": "part"})
    assert more.text.count('name="sign"') == 2 and "autofocus" in more.text


def test_filters_become_sql(client, searching):
    client.get("/?text=even&column=title&operator=%3D&value=it's&column=price&operator=%3C&value=5&where=sold&modality=image")
    assert searching.searches[-1].where == "`title` = 'it''s' AND `price` < 5 AND (sold)"
    wrong = client.get("/?text=even&column=price&operator=%3C&value=cheap")
    assert wrong.status_code == 400 and "a filter on price must be a whole number" in unescape(wrong.text)
    broken = client.get("/?text=even&where=broken")
    assert "the filter cannot be read: broken" in broken.text and 'value="broken"' in broken.text
    alone = client.get("/?column=price&operator=%3C&value=5")
    assert "say what to look for, too" in alone.text
    assert client.get("/?text=a&page=0").status_code == 400


def test_more_like_this(client, searching):
    page = client.get("/?text=even")
    link = next(link for link in attributes(page.text, "href") if link.startswith("/?like="))
    like = client.get(link)
    assert searching.searches[-1].like == ("id 0&<x>",) and "id 0&<x>" not in ids(like.text)
    assert "More like</span>" in like.text
    gone = client.get("/?like=no+such")
    assert gone.status_code == 400 and "no row has the id" in gone.text


def test_media_are_served_whole_and_in_part(client, searching):
    address = next(link for link in attributes(client.get("/?text=even").text, "href") if link.startswith("/media"))
    whole = client.get(address)
    assert whole.content == searching.media("id 0&<x>")[0] and whole.headers["content-type"] == "image/png"
    part = client.get(address, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, whole.content[2:6])
    assert "sandbox" in whole.headers["content-security-policy"]
    for wrong in ("/media?in=0&id=no", "/media?in=0&id=../../etc/passwd", "/media?in=0&id=script"):
        assert client.get(wrong).status_code == 404
    for wrong in ("/media?in=9&id=script", "/media?in=x&id=script", "/media?in=-1&id=script"):
        assert client.get(wrong).status_code == 400


def test_two_encoders_side_by_side(searching):
    other = WordSearching(rows()[::-1], "backwards")
    with client_of(searching, other) as client:
        page = client.get("/?text=even")
        left, right = page.text.split('<div class="side b">')
        assert ids(left) == [f"id {at}&<x>" for at in range(0, 24, 2)]
        assert ids(right) == [f"id {at}&<x>" for at in range(28, 5, -2)]
        assert "<b>9</b> of 12 hits are found by both" in page.text
        assert left.count("not among the hits of <b>B</b>") == 3 and right.count("not among the hits of <b>A</b>") == 3
        assert re.findall(r"<b>B</b> ranks it (\d+)", left) == [str(rank) for rank in range(12, 3, -1)]
        second = client.get("/?text=even&page=2").text.split('<div class="side b">')[0]
        assert ids(second)[0] == "id 24&<x>" and "<b>B</b> ranks it 3<" in second
        other.rows.pop("id 4&<x>")
        half = client.get("/?like=id+4%26%3Cx%3E")
        assert half.status_code == 200 and half.text.count("no row has the id") == 1 and len(ids(half.text)) == 12


def test_verdicts_are_kept_and_shown(searching, tmp_path):
    labels = tmp_path / "labels.jsonl"
    with client_of(searching, labels=labels) as client:
        page = client.get("/?text=even&page=1")
        assert page.text.count('class="label"') == 24
        sent = {"asked": "/?text=even", "in": "0", "id": "id 2&<x>", "rank": "2", "score": "1.0", "verdict": "wrong"}
        quiet = client.post("/label", data=sent, headers={"Accept": "application/json"})
        assert quiet.status_code == 204
        back = client.post(
            "/label", data={**sent, "id": "id 0&<x>", "verdict": "right"}, headers={"Accept": "text/html"}, follow_redirects=False
        )
        assert (back.status_code, back.headers["location"]) == (303, "/?text=even#results")
        page = client.get("/?text=even")
        assert '<li class="hit right" data-id="id 0&amp;&lt;x&gt;">' in page.text
        assert page.text.count('aria-pressed="true"') == 2
        assert client.post("/label", data={**sent, "verdict": "good"}).status_code == 400
        assert client.post("/label", data={**sent, "asked": "/?text=x&page=no"}).status_code == 400
        assert client.post("/label", data={**sent, "rank": "first"}).status_code == 400
    (query,) = read_labels(labels)
    assert (query.content.text, list(query.right), list(query.wrong)) == ("even", ["id 0&<x>"], ["id 2&<x>"])


def test_without_a_file_there_are_no_verdicts(client):
    assert 'class="label"' not in client.get("/?text=even").text
    refused = client.post("/label", data={"asked": "/?text=even", "id": "script", "verdict": "right"})
    assert refused.status_code == 400 and "labels=labels.jsonl" in refused.text


def test_what_the_page_takes_is_served_from_here(client):
    page = client.get("/")
    taken = [*attributes(page.text, "src"), *[link for link in attributes(page.text, "href") if link.startswith("/page")]]
    assert sorted(taken) == ["/page.css", "/page.js"]
    assert [client.get(one).headers["content-type"].partition(";")[0] for one in sorted(taken)] == ["text/css", "text/javascript"]
    assert client.get("/page.css/../../routes.py").status_code == 404


def test_a_form_may_be_sent_from_the_page(client):
    """With `no-referrer`, which the server says elsewhere, browsers send `Origin: null` with a form, and the server refuses it."""
    assert client.get("/").headers["referrer-policy"] == "same-origin"
    assert client.post("/", data={"text": "a"}, headers={"Origin": "http://testserver"}).status_code == 200
    assert client.post("/", data={"text": "a"}, headers={"Origin": "http://example.org"}).status_code == 403
