"""mailq: what is in the queue, in Courier's form: `-batch` for programs."""

from __future__ import annotations

import sys
import time

from courier_runtime.commands.place import socket_path
from courier_runtime.control.wire import CONTROL, Unreachable, ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_WORDS = {"pending": "", "done": "done", "failed": "fail"}
_COLUMN = 16


def main(arguments: list[str] | None = None) -> int:
    """Show."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        messages = ask(socket_path(CONTROL), {"do": "queue"})["messages"]
    except Unreachable as error:
        print(f"mailq: {error}", file=sys.stderr)
        return 75
    if "-sort" in words:
        messages.sort(key=lambda message: message["arrived"])
    for line in batch(messages) if "-batch" in words else table(messages):
        print(line)
    return 0


def table(messages: list[Mapping[str, Any]]) -> Iterator[str]:
    """The listing for people."""
    yield f"{'Size':{_COLUMN}} {'Queue ID':{59}} Date"
    yield f"{'User':{_COLUMN}} From"
    yield f"{'Status':{_COLUMN}} Recipient"
    yield f"{'-' * _COLUMN} {'-' * 57}"
    for message in messages:
        date = time.strftime("%b %d %H:%M", time.localtime(message["arrived"]))
        yield f"{size(message['size']):{_COLUMN}} {message['id']:{59}} {date}"
        yield f"{message['source']:{_COLUMN}} {message['sender']}"
        last = None
        for recipient in message["recipients"]:
            word = _WORDS[recipient["state"]]
            yield f"{'' if word == last else word:{_COLUMN}} {recipient['address']}"
            last = word
        yield ""
    yield f"{len(messages):4d} messages."


def batch(messages: list[Mapping[str, Any]]) -> Iterator[str]:
    """The listing for programs."""
    for message in messages:
        date = time.strftime("%b %d %H:%M", time.localtime(message["arrived"]))
        for recipient in message["recipients"]:
            words = (
                f"{size(message['size']):{_COLUMN}}", message["id"], date, message["source"], message["sender"],
                _WORDS[recipient["state"]], recipient["address"],
            )  # fmt: skip
            yield ";".join(words) + ";"
    yield f"messages: {len(messages)}"


def size(count: int) -> str:
    """Bytes, or tenths of a K, or hundredths of an M."""
    if count < 1024:
        return str(count)
    if count < 1024 * 1024:
        return f"{count / 1024:.1f}K"
    return f"{count / 1024 / 1024:.2f}M"


if __name__ == "__main__":
    sys.exit(main())
