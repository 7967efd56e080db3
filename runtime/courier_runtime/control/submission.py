"""How programs on this host hand a message to the server: fields, then the text, and the answer is an SMTP reply.

A field is `NAME=value` and ends in NUL; so does the empty one that ends them. Values hold any other byte. The first
field is the text's size, so that nothing is taken for a message whose sender was killed in the middle of it.

Only parts of Python that are there anyway are imported, for `sendmail` has to start in a blink.
"""

from __future__ import annotations

from _socket import AF_UNIX, SHUT_WR, SOCK_STREAM, socket  # `socket` itself takes longer than sending a message

from courier_runtime.control import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is not imported for itself
    from collections.abc import Iterable

END = b"\0\0"
"""The last field's end and the empty field."""

_CHUNK = 65536


def submit(path: str, fields: Iterable[tuple[str, str]], text: bytes) -> str:
    """Hand a message over; the reply. Raises Unreachable."""
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.connect(path)
        connection.sendall(packed((("size", str(len(text))), *fields)) + text)
        connection.shutdown(SHUT_WR)
        pieces = []
        while piece := connection.recv(_CHUNK):
            pieces.append(piece)
    except OSError as error:
        raise Unreachable(f"no server answers at {path}: {error.strerror}") from error
    finally:
        connection.close()
    if not pieces:
        raise Unreachable(f"the server at {path} hung up without an answer")
    return b"".join(pieces).decode(errors="surrogateescape").rstrip("\n")


def packed(fields: Iterable[tuple[str, str]]) -> bytes:
    """Fields as they are said; those without a value go without saying."""
    said = [f"{name}={value}" for name, value in fields if value]
    return "\0".join((*said, "", "")).encode(errors="surrogateescape")


def unpacked(said: bytes) -> dict[str, list[str]]:
    """The values of each field, in their order. Raises ValueError."""
    fields: dict[str, list[str]] = {}
    for word in said.removesuffix(END).decode(errors="surrogateescape").split("\0"):
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"not a field: {word!r}")
        fields.setdefault(name, []).append(value)
    return fields
