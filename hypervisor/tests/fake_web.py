"""A web that answers what a test says, and a client of the stream process without any server around it."""

import asyncio
import contextlib


class FakeWeb:
    """Listens on a unix socket; remembers each request's bytes, and answers with `answers`, the last one for ever."""

    def __init__(self, path, *answers):
        self.path, self.answers, self.requests, self.connections = path, list(answers), [], 0

    async def __aenter__(self):
        self.server = await asyncio.start_unix_server(self.serve, self.path)
        return self

    async def __aexit__(self, *_):
        self.server.close()

    @property
    def address(self):
        return f"unix://{self.path}"

    async def serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = b""
                low = head.lower()
                if b"content-length: " in low:
                    body = await reader.readexactly(int(low.split(b"content-length: ")[1].split(b"\r\n")[0]))
                self.requests.append((head, body))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()

    def headers(self, number=-1):
        """Those of a request, as a dict."""
        lines = self.requests[number][0].decode().split("\r\n")[1:-2]
        return dict(line.split(": ", 1) for line in lines)


def answer(body=b"", *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client:
    """One request to an ASGI application."""

    def __init__(self, *pieces, method="GET", path="/", query=b"", peer="203.0.113.7", **headers):
        self.scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query,
            "client": (peer, 1234), "server": ("localhost", 80),
            "headers": [(name.replace("__", "-").encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self.pieces = list(pieces)
        self.gone = asyncio.Event()
        self.status, self.headers, self.body, self.is_whole = None, [], b"", False
        self.slow = None

    async def receive(self):
        if self.pieces:
            piece = self.pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
            return
        self.body += message["body"]
        self.is_whole = not message["more_body"]
        if self.slow is not None:
            await self.slow.wait()

    def header(self, name):
        return next((value.decode() for key, value in self.headers if key.decode() == name), None)

    async def ask(self, application):
        await application(self.scope, self.receive, self.send)
        return self
