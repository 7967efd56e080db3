"""cancelmsg: gives a queued message of one's own up (root: any), with reasons that its sender gets to read."""

from __future__ import annotations

import sys

from courier_runtime.commands.place import socket_path
from courier_runtime.control import CONTROL, Unreachable
from courier_runtime.control.wire import ask


def main(arguments: list[str] | None = None) -> int:
    """Cancel."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        return 0
    try:
        done = ask(socket_path(CONTROL), {"do": "cancel", "id": words[0], "reasons": words[1:]})["done"]
    except Unreachable as error:
        print(f"cancelmsg: {error}", file=sys.stderr)
        return 75
    if not done:
        print("Message not found.", file=sys.stderr)
        return 1
    print("Message scheduled for cancellation.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
