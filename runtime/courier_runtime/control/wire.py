"""What is said on the control socket: one JSON object a line, then, for mail, the message until the end.

Standard library only, and little of it, for `sendmail` has to start in a blink.
"""

from __future__ import annotations

import json
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is not imported for itself: it takes as long as all the rest of this module
    from collections.abc import Mapping
    from typing import Any

CONTROL = "control"
SUBMIT = "submit"
SMTP = "smtp"
"""The sockets in the server's state directory. Everybody may open them; the server asks the kernel who calls."""


class Unreachable(Exception):
    """No server answers at the socket, or it does not obey this user."""


def ask(path: str, said: Mapping[str, Any], message: bytes | None = None) -> dict[str, Any]:
    """Say one thing and hear the answer. Raises Unreachable."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
            connection.sendall(json.dumps(said).encode() + b"\n")
            if message is not None:
                connection.sendall(message)
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
