"""sendmail: hands a message on standard input to the server, with Courier's options and exit codes; with -bs, speaks
SMTP on standard input and output.

Exit 0 once the message is safe, 67 if it was refused for good, 75 if it could not be taken now, 77 for a wrong option.
"""

from __future__ import annotations

import os
import pwd
import sys

from courier_runtime.commands.place import socket_path
from courier_runtime.control import SMTP, SUBMIT, Unreachable
from courier_runtime.control.submission import submit

OK, REFUSED, LATER, WRONG = 0, 67, 75, 77

_SPECIAL = frozenset('!"%(),./:;<=>?@[\\]')
"""Characters that make Courier quote a name."""
_SEVERAL = frozenset(b",;:()")
"""Characters of lists, groups and comments."""


class Options:
    """What the command line says. No dataclass: the module of that name takes longer than sending a message."""

    __slots__ = (
        "bcc_only", "dry_run", "envelope_id", "name", "notify", "recipients", "returns", "security", "sender",
        "speaks_smtp", "verp",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sender: str | None = None
        self.name: str | None = None
        self.notify = ""
        self.returns = ""
        self.envelope_id = ""
        self.security = ""
        self.verp = False
        self.bcc_only = False
        self.dry_run = False
        self.speaks_smtp = False
        self.recipients: list[str] = []


class Wrong(Exception):
    """An option that cannot be."""


def parse(arguments: list[str]) -> Options:
    """Read the options that matter; others are passed over, as mail programs invent them. Raises Wrong."""
    options = Options()
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "-":
            options.recipients += waiting
            break
        if not word.startswith("-"):
            options.recipients.append(word)
        elif word == "-verp":
            options.verp = True
        elif word == "-bcc":
            options.bcc_only = True
        elif word == "-bs":
            options.speaks_smtp = True
        elif word == "-n":
            options.dry_run = True
        elif word[1:2] in set("fFNRVSo"):
            _take(options, word[1], word[2:] or (waiting.pop(0) if waiting else ""))
    return options


def _take(options: Options, letter: str, value: str) -> None:
    if letter == "f":
        options.sender = value.strip("<>")
    elif letter == "F":
        options.name = value
    elif letter == "N":
        options.notify = value
    elif letter == "R":
        options.returns = value
    elif letter == "V":
        options.envelope_id = value
    elif letter == "S":
        if value not in ("NONE", "STARTTLS"):
            raise Wrong(f"sendmail: invalid option -S {value}")
        options.security = value


def sender_of(options: Options) -> str:
    """The return address: what -f says, or the user as the environment or the system names it."""
    if options.sender is not None:
        return options.sender
    environment = os.environ
    names = ("MAILSUSER", "MAILUSER", "LOGNAME", "USER")
    user = next((environment[name] for name in names if environment.get(name)), None) or _account()[0]
    return _joined(user, environment.get("MAILSHOST") or environment.get("MAILHOST"))


def completed(message: bytes, options: Options) -> bytes:
    """The message with one From header of one author, with the name, user and host that option and environment ask for.

    Where there is none, it is made of what is known. Line ends become LF, and the last line gets one.
    """
    text = message.replace(b"\r\n", b"\n")
    if text and not text.endswith(b"\n"):
        text += b"\n"
    headers, _, body = (b"", b"", text[1:]) if text.startswith(b"\n") else text.partition(b"\n\n")
    kept, authors = _apart(headers.rstrip(b"\n").split(b"\n") if headers else [])
    environment = os.environ
    name = options.name or environment.get("MAILNAME") or environment.get("NAME") or ""
    user, host = environment.get("MAILUSER"), environment.get("MAILHOST")
    at, said = authors[0] if authors else (len(kept), b"")
    if said.strip():
        author = _renamed(said, name, user, host) if name or user or host else _one(said)
    else:
        author = _mailbox(name or _account()[1], _joined(user or _user(), host)).encode(errors="surrogateescape")
    kept.insert(at, b"From:" + (author if author[:1] in b" \t\n" else b" " + author))
    return b"".join((b"\n".join(kept), b"\n\n", body))


def _apart(lines: list[bytes]) -> tuple[list[bytes], list[tuple[int, bytes]]]:
    """The lines of all other headers, and each From header: where it stands among them, and what follows its colon."""
    kept: list[bytes] = []
    authors: list[tuple[int, bytes]] = []
    is_author = False
    for line in lines:
        is_author = line[:5].lower() == b"from:" or (is_author and line[:1] in (b" ", b"\t"))
        if not is_author:
            kept.append(line)
        elif line[:5].lower() == b"from:":
            authors.append((len(kept), line[5:]))
        else:
            authors[-1] = (authors[-1][0], authors[-1][1] + b"\n" + line)
    return kept, authors


def _one(said: bytes) -> bytes:
    """The first author of several; whoever runs this where a group comes first. One alone stays as it is spelt."""
    alone = said.split()
    is_bare = len(alone) == 1 and b"<" not in alone[0]
    is_named = said.count(b"<") == 1 and alone[-1][-1:] == b">" and alone[0] != b"<>"
    if _SEVERAL.isdisjoint(said) and (is_bare or is_named):
        return said
    words: list[bytes] = []
    comment = b""
    for word in _words(said):
        if word[:1] in b",;":
            if words:
                break
        elif word == b":":
            words.clear()
            break
        elif word[:1] == b"<":
            return b" ".join((*words, word)) if words or word != b"<>" else b""
        elif word[:1] == b"(":
            comment = b" " + word
        else:
            words.append(word)
    return words[0] + comment if words else _user().encode(errors="surrogateescape")


def _words(said: bytes) -> list[bytes]:
    """Words, comments, addresses in brackets, and the marks of lists and groups."""
    import re

    quoted, comment = rb'"(?:[^"\\]|\\.)*"?', rb"\((?:[^()\\]|\\.)*\)?"
    return re.findall(rb'%b|<[^>]*>?|[,;:]|(?:%b|[^\s",;:()<])+|\)' % (comment, quoted), said)


def _renamed(said: bytes, name: str, user: str | None, host: str | None) -> bytes:
    """The first author with the name, local part or domain that are given."""
    from email.utils import parseaddr

    phrase, address = parseaddr(_one(said).decode(errors="surrogateescape"))
    local_part, _, domain = address.rpartition("@") if "@" in address else (address, "", "")
    mailbox = _mailbox(name or phrase, _joined(user or local_part, host or domain))
    return mailbox.encode(errors="surrogateescape")


def _joined(user: str, host: str | None) -> str:
    return f"{user}@{host}" if host and "@" not in user else user


def _mailbox(name: str, address: str) -> str:
    """An address with a name, quoted where Courier quotes."""
    if not name:
        return f"<{address}>"
    if _SPECIAL.isdisjoint(name):
        return f"{name} <{address}>"
    quoted = name.replace("\\", r"\\").replace('"', r"\"")
    return f'"{quoted}" <{address}>'


def _user() -> str:
    """The name that whoever runs this goes by."""
    return os.environ.get("LOGNAME") or os.environ.get("USER") or _account()[0]


def _account() -> tuple[str, str]:
    """Name and full name of whoever runs this; `nobody` for a user id without a name."""
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return "nobody", ""
    return entry.pw_name, entry.pw_gecos.partition(",")[0]


def hand_over(options: Options, sender: str, message: bytes, program: str, neighbour: str = "") -> int:
    """Give a message to the server; the exit code."""
    environment = os.environ
    fields = (
        ("sender", sender),
        *(("recipient", one) for one in options.recipients),
        ("bcc_only", "yes" if options.bcc_only else ""),
        ("notify", options.notify or environment.get("DSNNOTIFY", "")),
        ("returns", options.returns or environment.get("DSNRET", "")),
        ("envelope_id", options.envelope_id or environment.get("DSNENVID", "")),
        ("verp", "yes" if options.verp else ""),
        ("security", options.security),
        ("uucp", neighbour),
    )
    try:
        reply = submit(socket_path(SUBMIT), fields, message)
    except Unreachable as error:
        print(f"{program}: {error}", file=sys.stderr)
        return LATER
    if reply.startswith("2"):
        return OK
    print(reply)
    print(f"{program}: Unable to submit message.", file=sys.stderr)
    return REFUSED if reply.startswith("5") else LATER


def main(arguments: list[str] | None = None) -> int:
    """Send."""
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
    except Wrong as error:
        print(error, file=sys.stderr)
        return WRONG
    if options.speaks_smtp:
        from courier_runtime.commands.conversation import converse

        return converse(socket_path(SMTP))
    message = completed(sys.stdin.buffer.read(), options)
    if options.dry_run:
        sys.stdout.buffer.write(message)
        return OK
    return hand_over(options, sender_of(options), message, "sendmail")


if __name__ == "__main__":
    sys.exit(main())
