"""A W&B server small enough to read: it keeps what it is sent, and answers what the client needs to go on."""

import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

ENTITY = "lab"


class FakeWandb:
    """What was sent.

    Attributes:
        runs: id -> {"config", "group", "name", "history": step -> row, "lines": rows as they came, "summary"}.
        views: id -> the variables that it was saved with.
        files: names of uploaded files.
        artifacts: their names.
        asked: names of the operations.
    """

    def __init__(self):
        self.runs, self.views, self.files, self.artifacts, self.asked = {}, {}, [], [], []
        self.address = ""

    def answer(self, query, variables):
        operation = re.search(r"(?:query|mutation)\s+(\w+)", query)[1]
        self.asked.append(operation)
        method = getattr(self, f"on_{operation}", None)
        return method(variables) if method else {}

    def on_ServerFeaturesQuery(self, variables):
        return {"serverInfo": {"features": []}}

    def _viewer(self, variables):
        return {"viewer": {"id": "viewer", "entity": ENTITY, "username": ENTITY, "flags": "{}", "teams": {"edges": []}}}

    on_Viewer = on_GetDefaultEntity = on_GetViewer = _viewer

    def _bucket(self, name):
        run, lines = self.runs[name], self.runs[name]["lines"]
        return {
            "id": f"id-{name}",
            "name": name,
            "displayName": run["name"],
            "description": "",
            "config": json.dumps(run["config"]),
            "summaryMetrics": json.dumps(run["summary"]),
            "sweepName": None,
            "tags": [],
            "historyLineCount": len(lines),
            "eventsLineCount": 0,
            "logLineCount": 0,
            "history": json.dumps([json.dumps(lines[-1])] if lines else []),
            "events": json.dumps([]),
            "historyTail": json.dumps([json.dumps(lines[-1])] if lines else []),
            "eventsTail": json.dumps([]),
            "wandbConfig": json.dumps({"t": 1}),
            "project": {"id": "project", "name": run["project"], "entity": {"id": "entity", "name": ENTITY}},
        }

    def on_RunResumeStatus(self, variables):
        name = variables["name"]
        bucket = self._bucket(name) if name in self.runs else None
        return {"model": {"id": "project", "name": variables["project"], "entity": {"id": "entity", "name": ENTITY}, "bucket": bucket}}

    def on_UpsertBucket(self, variables):
        name, new = variables["name"], variables["name"] not in self.runs
        run = self.runs.setdefault(
            name, {"lines": [], "summary": {}, "config": {}, "group": None, "name": name, "project": variables.get("project")}
        )
        if variables.get("config"):
            run["config"] = json.loads(variables["config"])
        run["group"] = variables.get("groupName") or run["group"]
        run["name"] = variables.get("displayName") or run["name"]
        return {"upsertBucket": {"bucket": self._bucket(name), "inserted": new}}

    def on_CreateRunFiles(self, variables):
        names = variables["files"]
        files = [{"name": name, "uploadUrl": f"{self.address}/upload/{name}"} for name in names]
        return {"createRunFiles": {"runID": "run", "uploadHeaders": [], "files": files}}

    def on_ArtifactType(self, variables):
        return {"project": {"artifact": None}}

    def on_CreateArtifact(self, variables):
        """Says that it has the artifact already, so that its files are not sent: what is in it the client's own tests hold."""
        given = variables.get("input", variables)
        self.artifacts.append(
            given["artifactCollectionName"] if "artifactCollectionName" in given else next(iter(given["artifactCollectionNames"]))
        )
        return {
            "createArtifact": {
                "artifact": {"id": "artifact", "state": "COMMITTED", "artifactSequence": {"latestArtifact": {"id": "artifact"}}}
            }
        }

    def on_GetProjects(self, variables):
        name = next(iter(self.runs.values()))["project"]
        node = {
            "__typename": "Project",
            "id": "project",
            "name": name,
            "entityName": ENTITY,
            "createdAt": "2026-01-01T00:00:00Z",
            "isBenchmark": False,
            "user": None,
        }
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        return {"models": {"__typename": "ProjectConnection", "edges": [{"node": node, "cursor": "x"}], "pageInfo": page}}

    def _save_view(self, variables):
        name = variables.get("id") or f"view-{len(self.views)}"
        self.views[name] = variables
        view = {
            "id": name,
            "type": variables["type"],
            "name": variables["name"],
            "displayName": variables["displayName"],
            "description": "",
            "project": {"id": "project", "name": variables["projectName"], "entityName": variables["entityName"]},
            "spec": variables["spec"],
            "updatedAt": "2026-01-01T00:00:00Z",
        }
        return {"upsertView": {"view": view, "inserted": "id" not in variables}}

    on_UpsertView2 = on_upsertView = _save_view

    def on_ProjectInternalId(self, variables):
        return {"project": {"id": "project", "internalId": "17"}}

    def stream(self, name, body):
        """Takes a piece of a run's files."""
        run = self.runs[name]
        for file, piece in (body.get("files") or {}).items():
            rows = [json.loads(line) for line in piece["content"]]
            if file == "wandb-history.jsonl":
                del run["lines"][piece["offset"] :]  # as the real one does
                run["lines"] += rows
            if file == "wandb-summary.json":
                run["summary"] |= rows[-1]


@contextmanager
def fake_wandb():
    """Serves a fake W&B; its address is to be WANDB_BASE_URL."""
    fake = FakeWandb()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            fields = json.loads(body) if "json" in self.headers.get("Content-Type", "") else {}
            stream = re.search(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path)
            if stream:
                fake.stream(stream[1], fields)
                answer = {"exitcode": None, "limits": {}}
            elif "query" not in fields:
                answer = {}  # what the client tells of itself
            else:
                answer = {"data": fake.answer(fields["query"], fields.get("variables") or {})}
            self._send(json.dumps(answer).encode())

        def do_PUT(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fake.files.append(self.path.partition("/upload/")[2])
            self._send(b"")

        def _send(self, body):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
