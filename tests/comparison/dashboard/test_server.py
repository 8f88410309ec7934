import json
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.comparison.dashboard.material import write_job, write_sweep
from unite.comparison.dashboard.gather import Gathering
from unite.comparison.dashboard.server import make_server
from unite.errors import CheckpointError, ConfigError


@pytest.fixture
def sweep(tmp_path):
    return write_sweep(tmp_path / "s", shares=(0.2,))


@pytest.fixture
def served(sweep):
    server = make_server(Gathering([str(sweep)]), 0)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def ask(port, path, **headers):
    with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=30) as answer:
        return answer.headers, answer.read()


def test_the_page_asks_and_gets_what_is_new(served, sweep):
    page = ask(served, "/")[1].decode()
    assert "<body data-live>" in page
    assert 'id="failures"' not in page
    headers, body = ask(served, "/data.json")
    assert len(json.loads(body)["runs"]) == 2
    with pytest.raises(HTTPError) as same:
        ask(served, "/data.json", **{"If-None-Match": headers["ETag"]})
    assert same.value.code == 304
    write_job(sweep / "2_new", 0.9, finished=False)
    newer, body = ask(served, "/data.json", **{"If-None-Match": headers["ETag"]})
    assert [run["status"] for run in json.loads(body)["runs"]] == ["finished", "finished", "unfinished"]
    assert newer["ETag"] != headers["ETag"]
    assert len(json.loads(ask(served, "/failures.json")[1])["contents"]) == 3


def test_another_site_and_another_path_get_nothing(served):
    for path, headers, code in (("/", {"Host": "evil.example:80"}, 403), ("/../config.yaml", {}, 404)):
        with pytest.raises(HTTPError) as refused:
            ask(served, path, **headers)
        assert refused.value.code == code


def test_what_is_wrong_is_told_before_it_serves(tmp_path, served, sweep):
    with pytest.raises(CheckpointError, match="must be a folder of runs"):
        make_server(Gathering([str(tmp_path / "gone")]), 0)
    with pytest.raises(ConfigError, match=rf"--port must be one that is free on this machine, but is '{served} \("):
        make_server(Gathering([str(sweep)]), served)
