"""courier: Courier's own command for its scheduler, as far as it has a meaning for a server of one process.

`start` is left to whoever starts the server: a service manager, or `courier-run serve`.
"""

from __future__ import annotations

import os
import sys

from courier_runtime.commands.place import SYSTEM, socket_path
from courier_runtime.control import CONTROL, Unreachable
from courier_runtime.control.wire import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def main(arguments: list[str] | None = None) -> int:
    """Obey."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        return 0
    command = _COMMANDS.get(words[0])
    if command is None:
        print(f"courier: there is no command {words[0]}", file=sys.stderr)
        return 1
    try:
        return command(words)
    except Unreachable as error:
        print(f"courier: {error}", file=sys.stderr)
        return 1


def _start(words: list[str]) -> int:
    print("courier: the server is started by its service manager, or by courier-run serve.", file=sys.stderr)
    return 1


def _stop(words: list[str]) -> int:
    ask(socket_path(CONTROL), {"do": "stop"})
    return 0


def _restart(words: list[str]) -> int:
    trouble = ask(socket_path(CONTROL), {"do": "reload"})["trouble"]
    if trouble:
        print(trouble, file=sys.stderr)
    return 1 if trouble else 0


def _flush(words: list[str]) -> int:
    path = socket_path(CONTROL)
    if path.startswith(f"{SYSTEM}/") and os.geteuid() != 0:
        print("courier flush can be executed only by the superuser.", file=sys.stderr)
        return 1
    if ask(path, {"do": "flush", **({"id": words[1]} if len(words) > 1 else {})})["done"]:
        return 0
    print("No such message.", file=sys.stderr)
    return 1


def _show(words: list[str]) -> int:
    if words[1:] == ["all"]:
        for address in ask(socket_path(CONTROL), {"do": "show"})["addresses"]:
            print(address)
    return 0


def _clear(words: list[str]) -> int:
    for address in words[1:]:
        said = {"do": "clear"} if address == "all" else {"do": "clear", "address": address}
        if ask(socket_path(CONTROL), said)["cleared"]:
            print(f"{address} cleared.")
    return 0


def _version(words: list[str]) -> int:
    from courier_schema import __version__

    print(f"courier-run {__version__}")
    return 0


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "flush": _flush,
    "show": _show,
    "clear": _clear,
    "--version": _version,
}


if __name__ == "__main__":
    sys.exit(main())
