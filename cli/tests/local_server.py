"""A tiny HTTP server that answers what it is told to, one answer a request, and remembers what it was asked."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DROP = "close the connection without an answer"


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class LocalServer:
    """`answers`: (status, body) or (status, body, headers), or DROP; the last one is given for ever."""

    url: str = ""
    answers: list[Any] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        told = self.server.told
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        told.asked.append(
            Asked(self.command, self.path, dict(self.headers), json.loads(body) if body else None)
        )
        answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
        if answer == DROP:
            self.close_connection = True
            return
        status, content, *more = answer
        payload = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(more[0] if more else {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


for verb in ("GET", "POST", "PATCH", "DELETE"):
    setattr(Handler, f"do_{verb}", Handler.handle_any)


@contextmanager
def local_server(*answers):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.told = LocalServer(f"http://127.0.0.1:{server.server_port}", list(answers))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.told
    finally:
        server.shutdown()
        server.server_close()
