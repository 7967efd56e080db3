"""A page for machines: `/metrics` for Prometheus, `/health` for whoever restarts what is not well. HTTP, GET only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from courier_runtime.snapshot.model import Snapshot

_LIMIT: Final = 16 * 1024
_PATIENCE: Final = 10.0


class Page:
    """An actor."""

    name = "page"

    def __init__(self, address: str, port: int, *, metrics: Callable[[], bytes], health: Callable[[], str]) -> None:
        self._address, self._port = address, port
        self._metrics = metrics
        self._health = health
        """An empty text if all is well, else what is not."""

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled."""
        server = await asyncio.start_server(self._serve, self._address, self._port, limit=_LIMIT)
        async with server:
            ready()
            await server.serve_forever()

    async def prepare(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def adopt(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(request.split(b" ", 2)))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _answer(self, request: list[bytes]) -> bytes:
        if len(request) < 3 or request[0] != b"GET":
            return _page(405, b"only GET is known here\n")
        if request[1] == b"/metrics":
            return _page(200, self._metrics(), b"text/plain; version=0.0.4; charset=utf-8")
        if request[1] == b"/health":
            trouble = self._health()
            return _page(503 if trouble else 200, f"{trouble or 'well'}\n".encode())
        return _page(404, b"there are /metrics and /health\n")


_WORDS: Final = {200: b"OK", 404: b"Not Found", 405: b"Method Not Allowed", 503: b"Service Unavailable"}


def _page(code: int, body: bytes, kind: bytes = b"text/plain; charset=utf-8") -> bytes:
    head = b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    return head % (code, _WORDS[code], kind, len(body)) + body
