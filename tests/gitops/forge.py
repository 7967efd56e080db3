"""A forge on this machine: keeps the comments of one merge request and answers as GitHub, Gitea and GitLab do; and a
mail server of three words."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

TOKEN: Final = "token-of-the-job"


@dataclass
class Forge:
    """Comments by number, and what was asked."""

    comments: dict[int, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, method: str, path: str, body: str) -> object:
        self.asked.append(f"{method} {path}")
        number = path.rpartition("/")[2]
        if method == "GET":
            return [{"id": one, "body": text} for one, text in self.comments.items()]
        where = int(number) if method in ("PATCH", "PUT") else len(self.comments) + 1
        assert method == "POST" or where in self.comments
        self.comments[where] = json.loads(body)["body"]
        return {"id": where}


@contextmanager
def forge() -> Iterator[Forge]:
    """A forge that listens."""
    kept = Forge()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            token = self.headers.get("PRIVATE-TOKEN") or self.headers["Authorization"].removeprefix("Bearer ")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self.send_response(200 if token == TOKEN else 401)
            self.end_headers()
            self.wfile.write(json.dumps(kept.answer(self.command, self.path, body)).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "PATCH"):
        setattr(Handler, f"do_{method}", Handler.answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.address = f"http://127.0.0.1:{server.server_port}/api"
    with _serving(server):
        yield kept


@contextmanager
def mail_server(answer: str = "250 ok") -> Iterator[str]:
    """A server that greets and gives one answer to everything; its address."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mx.example.org\r\n")
            for line in self.rfile:
                word = line[:4].upper().decode()
                said = {"EHLO": "250 hello", "QUIT": "221 bye"}.get(word, answer)
                self.wfile.write(f"{said}\r\n".encode())
                if word == "QUIT":
                    return

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    with _serving(server):
        yield f"127.0.0.1:{server.server_address[1]}"


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
