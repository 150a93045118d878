"""The HTTP of the test double of an API server: from a request to the store and back, with lists, watches and logs."""

import copy
import json
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .kubernetes_defaults import matches
from .kubernetes_refusing import Json, Refused, absent, without_right

TOKEN = "a-token-of-the-launcher"
VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2",
    "goVersion": "go1.27.3",
    "compiler": "gc",
    "platform": "linux/amd64",
}


class Handler(BaseHTTPRequestHandler):
    api: Any
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Nothing goes to the tests' output."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        ahead = self.api.store.clock_ahead.total_seconds()
        return super().date_time_string(time.time() + ahead)

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        target = urlsplit(self.path)
        query = dict(parse_qsl(target.query))
        self.api.requests.append((self.command, target.path))
        try:
            self._route(target.path, query, body)
        except Refused as refused:
            self._send(refused.status, refused.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def _route(self, path: str, query: dict[str, str], body: Json) -> None:
        api = self.api
        if api.garbage is not None:
            self._send(*api.garbage)
            return
        if api.fail_after is not None:
            api.fail_after -= 1
            if api.fail_after < 0:
                raise Refused(500, "InternalError", "an error on the server")
        user = self._user()
        if path == "/version":
            self._send(200, VERSION)
            return
        namespace, resource, name, subresource = _place(path)
        if resource == "selfsubjectaccessreviews":
            asked = body["spec"]["resourceAttributes"]
            full = "/".join(filter(None, (asked["resource"], asked.get("subresource", ""))))
            self._send(201, body | {"metadata": {}, "status": {"allowed": api.may(asked["verb"], full)}})
            return
        verb = self._verb(name, query)
        whole = f"{resource}/{subresource}" if subresource else resource
        if user != "launcher" or not api.may(verb, whole):
            raise without_right(user, verb, whole, namespace)
        if verb == "watch":
            self._watch(resource, query)
        elif subresource == "log":
            self._log(namespace, name, query)
        else:
            with api.store.lock:
                status, answer = self._do(verb, resource, namespace, name, query, body)
                answer = copy.deepcopy(answer)
            self._send(status, answer)

    def _do(
        self, verb: str, resource: str, namespace: str, name: str, query: dict[str, str], body: Json
    ) -> tuple[int, Json]:
        store, strict = self.api.store, query.get("fieldValidation") == "Strict"
        match verb:
            case "get":
                return 200, store.find(resource, namespace, name)
            case "list":
                return 200, store.page(resource, namespace, query)
            case "create":
                return 201, store.create(resource, namespace, body, strict=strict)
            case "update":
                return 200, store.replace(resource, namespace, body, strict=strict)
            case "patch":
                return 200, store.patch(resource, namespace, name, body, strict=strict)
            case "delete":
                return 200, store.delete(resource, namespace, name, body)
            case _:
                found = store.page(resource, namespace, query)
                for thing in store.all(resource, namespace):
                    if matches(thing, query.get("labelSelector", "")):
                        store.delete(resource, namespace, thing["metadata"]["name"], body)
                return 200, found

    def _user(self) -> str:
        told = self.headers.get("Authorization")
        if told is None:
            return "system:anonymous"
        if told != f"Bearer {TOKEN}":
            raise Refused(401, "Unauthorized", "Unauthorized")
        return "launcher"

    def _verb(self, name: str, query: dict[str, str]) -> str:
        if self.command == "GET":
            return "get" if name else "watch" if query.get("watch") in {"1", "true"} else "list"
        if self.command == "DELETE":
            return "delete" if name else "deletecollection"
        return {"POST": "create", "PUT": "update", "PATCH": "patch"}[self.command]

    def _send(self, status: int, body: Json | str) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _begin_chunks(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()

    def _watch(self, resource: str, query: dict[str, str]) -> None:
        store, told = self.api.store, int(query.get("resourceVersion") or 0)
        until = time.monotonic() + float(query.get("timeoutSeconds", 5))
        self._begin_chunks("application/json")
        self.wfile.flush()
        while time.monotonic() < until:
            with store.lock:
                store.news.wait(0.05)
                fresh = [event for event in store.events if event[0] > told]
            for version, kind, thing in fresh:
                told = version
                if matches(thing, query.get("labelSelector", "")):
                    event = {"type": kind, "object": {"kind": "Pod", "apiVersion": "v1", **thing}}
                    self._chunk(json.dumps(event).encode() + b"\n")
        self._chunk(b'{"type":"BOOKMARK","object":{"kind":"Pod"}}\n')
        self._chunk(b"")

    def _log(self, namespace: str, name: str, query: dict[str, str]) -> None:
        store = self.api.store
        with store.lock:
            pod = store.find("pods", namespace, name)
            file = self.api.kubelet.log_of(pod)
        if file is None:
            why = f'container "main" in pod "{name}" is waiting to start: ContainerCreating'
            raise Refused(400, "BadRequest", why)
        content = file.read_bytes()
        tail = int(query.get("tailLines", "1000000"))
        start = b"".join(content.splitlines(keepends=True)[-tail:]) if tail else b""
        self._begin_chunks("text/plain")  # its head waits for the first piece, as a real kubelet's does
        if start:
            self._chunk(start[: int(query.get("limitBytes", len(start)))])
        read = len(content)
        while query.get("follow") == "true":
            with store.lock:
                ended = pod["status"]["phase"] in {"Succeeded", "Failed"}
            more = file.read_bytes()[read:]
            if more:
                self._chunk(more)
                read += len(more)
            if ended:
                break
            time.sleep(0.02)
        self._chunk(b"")


def _place(path: str) -> tuple[str, str, str, str]:
    """Namespace, resource, name and subresource of a path."""
    parts = path.strip("/").split("/")
    parts = parts[3:] if parts[0] == "apis" else parts[2:]
    namespace = ""
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    if not parts or len(parts) > 3:
        raise absent("pods", path)
    resource, name, subresource = [*parts, "", ""][:3]
    return namespace, resource, name, subresource
