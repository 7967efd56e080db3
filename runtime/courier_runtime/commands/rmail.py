"""rmail: how a UUCP neighbour hands a message over. Run by the user uucp, with the neighbour in the environment.

Exit codes are those of sendmail; 77 for whoever may not, and for a wrong option.
"""

from __future__ import annotations

import os
import pwd
import sys

from courier_runtime.commands.sendmail import WRONG, Wrong, hand_over, parse

ACCOUNT = "uucp"
OPTIONS = frozenset(("-f", "-N", "-R", "-V", "-o", "-t"))


def main(arguments: list[str] | None = None) -> int:
    """Take a message from a neighbour."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        neighbour = _neighbour()
        options = parse(_known(words))
        if not options.recipients:
            raise Wrong("rmail: missing recipients")
    except Wrong as error:
        print(error, file=sys.stderr)
        return WRONG
    return hand_over(options, options.sender or "", sys.stdin.buffer.read(), "rmail", neighbour)


def _neighbour() -> str:
    """Who brings the message, as uuxqt(8) says. Raises Wrong."""
    if os.getuid() != _uucp():
        raise Wrong("rmail: permission denied.")
    machine, user = os.environ.get("UU_MACHINE"), os.environ.get("UU_USER")
    if not machine or not user:
        raise Wrong("rmail: UU_MACHINE!UU_USER required.")
    return f"{machine}!{user}"


def _uucp() -> int:
    """The user id of UUCP; without such a user nobody has it."""
    try:
        return pwd.getpwnam(ACCOUNT).pw_uid
    except KeyError:
        return -1


def _known(words: list[str]) -> list[str]:
    """The words, if every option is one of rmail's. Raises Wrong."""
    waiting = iter(words)
    for word in waiting:
        if word == "-":
            break
        if not word.startswith("-") or word == "-verp":
            continue
        if word[:2] not in OPTIONS:
            raise Wrong(f"rmail: invalid option {word}")
        if len(word) == 2 and word != "-t":
            next(waiting, None)
    return words


if __name__ == "__main__":
    sys.exit(main())
