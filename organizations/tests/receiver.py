"""A real HTTP server that takes what webhooks send, and answers as a test says."""

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """`statuses` are answered one after the other, then 204; `requests` are (headers, body)."""

    def __init__(self, *statuses):
        self.statuses, self.requests = deque(statuses), []
        self.headers = {}
        self.held = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((names | {"path": self.path}, body))
                if receiver.held is not None:
                    receiver.held.wait(10)
                self.send_response(receiver.statuses.popleft() if receiver.statuses else 204)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?team=vision"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
