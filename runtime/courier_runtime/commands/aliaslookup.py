"""aliaslookup: what stands in the place of an address on the running server; `-m MODULE` for one source's aliases."""

from __future__ import annotations

import sys

from courier_runtime.commands.place import socket_path
from courier_runtime.control import CONTROL, Unreachable
from courier_runtime.control.wire import ask


def main(arguments: list[str] | None = None) -> int:
    """Look up."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    module = "local"
    if words[:1] == ["-m"]:
        module, words = words[1] if len(words) > 1 else "", words[2:]
    try:
        for address in words:
            for target in ask(socket_path(CONTROL), {"do": "alias", "module": module, "address": address})["targets"]:
                print(target)
    except Unreachable as error:
        print(f"aliaslookup: {error}", file=sys.stderr)
        return 75
    return 0


if __name__ == "__main__":
    sys.exit(main())
