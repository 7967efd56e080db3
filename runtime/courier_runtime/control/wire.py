"""What is said on the control socket: one JSON object asks, one answers. Standard library only, and little of it."""

from __future__ import annotations

import json
import socket

from courier_runtime.control import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is not imported for itself: it takes as long as all the rest of this module
    from collections.abc import Mapping
    from typing import Any


def ask(path: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Say one thing and hear the answer. Raises Unreachable."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
            connection.sendall(json.dumps(said).encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)
            pieces = []
            while piece := connection.recv(65536):
                pieces.append(piece)
        except OSError as error:
            raise Unreachable(f"no server answers at {path}: {error.strerror}") from error
    try:
        answer: dict[str, Any] = json.loads(b"".join(pieces))
    except ValueError as error:
        raise Unreachable(f"the server at {path} hung up without an answer") from error
    if "error" in answer:
        raise Unreachable(answer["error"])
    return answer
