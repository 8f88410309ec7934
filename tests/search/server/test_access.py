import pytest

from tests.search.fake_searching import FakeSearching
from tests.search.server.running import running
from unite.errors import ConfigError
from unite.search.server.access import hosts_of, is_loopback, token_for

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def server():
    with running({"mine": FakeSearching()}) as server:
        yield server


@pytest.fixture(scope="module")
def guarded():
    with running({"mine": FakeSearching()}, token=TOKEN) as server:
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:80"])
def test_its_own_names(server, host):
    assert server.ask("GET", "/v1/models", host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example:80", "10.0.0.7", "", "[", "127.0.0.1 evil.example"]
)
def test_a_name_that_points_here_is_refused(server, host):  # DNS rebinding
    status, _, body = server.ask("GET", "/v1/models", host=host)
    assert status in (400, 403)
    assert b"models" not in body and b"object" not in body


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"origin": "https://evil.example"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("POST", {"origin": "http://["}, 403),  # which urlsplit cannot read
        ("GET", {"origin": "http://[::1"}, 403),
        ("POST", {"origin": "http://127.0.0.1:1"}, 403),  # another server of this machine
        ("POST", {"sec_fetch_site": "cross-site"}, 403),
        ("POST", {"sec_fetch_site": "same-site"}, 403),
        ("POST", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 403),
        ("GET", {"origin": "https://evil.example"}, 403),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, 403),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, 403),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 200),  # a link
        ("GET", {"sec_fetch_site": "none"}, 200),
        ("POST", {"sec_fetch_site": "same-origin"}, 200),
        ("POST", {}, 200),  # a program
    ],
)
def test_pages_of_other_sites(server, method, headers, status):
    answer = server.ask(method, "/api/search" if method == "POST" else "/v1/models", {"text": "a"} if method == "POST" else None, **headers)
    assert answer[0] == status


def test_its_own_page(server):
    assert server.ask("POST", "/api/search", {"text": "a"}, origin=server.url)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"cookie": "unite=1"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/openapi.json", "/api/docs", "/api/media/row-0", "/", "/nowhere"])
def test_without_the_token_there_is_nothing(guarded, path, headers):
    status, answered, body = guarded.ask("GET", path, **headers)
    assert status == 401
    assert answered["www-authenticate"] == "Bearer"
    assert b"invalid_api_key" in body


def test_the_token_by_header_and_by_cookie(guarded):
    assert guarded.ask("GET", "/v1/models", authorization=f"Bearer {TOKEN}")[0] == 200
    status, headers, _ = guarded.ask("GET", f"/v1/models?x=1%202&token={TOKEN}&y=")
    assert (status, headers["location"]) == (303, "/v1/models?x=1+2&y=")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert guarded.ask("GET", "/v1/models", cookie=cookie.partition(";")[0])[0] == 200
    assert guarded.ask("POST", "/api/search", {"text": "a"}, cookie=cookie.partition(";")[0])[0] == 200
    # A cookie is sent with what other sites' pages ask: it does not help them.
    assert guarded.ask("POST", "/api/search", {"text": "a"}, cookie=cookie.partition(";")[0], origin="https://evil.example")[0] == 403


def test_a_wrong_token_sets_no_cookie_and_a_right_one_leads_nowhere_else(guarded):
    status, headers, _ = guarded.ask("GET", "/v1/models?token=wrong")
    assert status == 401 and "set-cookie" not in headers
    assert guarded.ask("GET", f"//evil.example/?token={TOKEN}")[1]["location"] == "/evil.example/"
    assert guarded.ask("GET", f"/\\evil.example/?token={TOKEN}")[1]["location"] == "/evil.example/"
    assert guarded.ask("POST", f"/api/search?token={TOKEN}", {"text": "a"})[0] == 401


def test_a_person_is_told_what_to_open(guarded):
    status, _, body = guarded.ask("GET", "/", accept="text/html,*/*")
    assert status == 401
    assert b"?token=" in body


def test_with_a_token_the_address_may_be_a_number(guarded):
    assert guarded.ask("GET", "/v1/models", host="10.0.0.7:80", authorization=f"Bearer {TOKEN}")[0] == 200
    assert guarded.ask("GET", "/v1/models", host="evil.example", authorization=f"Bearer {TOKEN}")[0] == 403


def test_names_and_tokens_of_an_address():
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "LocalHost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example", "")))
    assert hosts_of("127.0.0.1") == {"127.0.0.1", "localhost", "::1"}
    assert {"192.168.1.2", "my.name", "localhost"} <= hosts_of("192.168.1.2", ["My.Name"])
    assert token_for("127.0.0.1") is None
    assert token_for("127.0.0.1", TOKEN) == TOKEN
    made = {token_for("0.0.0.0") for _ in range(3)}
    assert len(made) == 3 and all(len(token) >= 32 for token in made)


@pytest.mark.parametrize("token", ["short", "", "with a space in it, and so on", "ümlaute sind nicht ascii", 'a"quote"in"the"middle'])
def test_a_token_that_is_guessed_or_fits_no_header(token):
    with pytest.raises(ConfigError, match="the token must be 16 or more.*Leave it out"):
        token_for("0.0.0.0", token)
