"""mailq: what is in the queue, in Courier's form: `-batch` for programs. All of it for root, else what is one's own."""

from __future__ import annotations

import pwd
import sys
import time

from courier_runtime.commands.place import socket_path
from courier_runtime.control import CONTROL, Unreachable
from courier_runtime.control.wire import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_WORDS = {"pending": "", "done": "done", "failed": "fail"}
_COLUMN = 16
_OPTIONS = ("-sort", "-batch")


def main(arguments: list[str] | None = None) -> int:
    """Show."""
    words = sys.argv[1:] if arguments is None else arguments
    unknown = next((word for word in words if word.startswith("-") and word not in _OPTIONS), None)
    if unknown is not None:
        print(f"mailq: ERR: Invalid argument: {unknown}", file=sys.stderr)
        return 1
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
        yield f"{user(message['owner']):{_COLUMN}} {message['sender']}"
        for recipient in message["recipients"]:
            yield f"{_WORDS[recipient['state']]:{_COLUMN}} {recipient['address']}"
        yield ""
    yield f"{len(messages):4d} messages."


def batch(messages: list[Mapping[str, Any]]) -> Iterator[str]:
    """The listing for programs."""
    for message in messages:
        date = time.strftime("%b %d %H:%M", time.localtime(message["arrived"]))
        fates = [word for one in message["recipients"] for word in (_WORDS[one["state"]], one["address"])]
        head = (f"{size(message['size']):{_COLUMN}}", message["id"], date, user(message["owner"]), message["sender"])
        yield ";".join((*head, *fates)) + ";"
    yield f"messages: {len(messages)}"


def user(uid: int) -> str:
    """Name of a user; empty for one who has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def size(count: int) -> str:
    """Bytes, or full tenths of a K, or full hundredths of an M."""
    if count < 1024:
        return str(count)
    if count < 1024 * 1024:
        tenths = count * 10 // 1024
        return f"{tenths // 10}.{tenths % 10}K"
    hundredths = count * 100 // 1024**2
    return f"{hundredths // 100}.{hundredths % 100:02}M"


if __name__ == "__main__":
    sys.exit(main())
