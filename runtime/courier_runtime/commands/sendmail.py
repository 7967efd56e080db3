"""sendmail: hands a message on standard input to the server, with Courier's options and exit codes; with -bs, speaks
SMTP on standard input and output.

Exit 0 once the message is safe, 67 if it was refused for good, 75 if it could not be taken now, 77 for a wrong option.
"""

from __future__ import annotations

import os
import pwd
import sys

from courier_runtime.commands.place import socket_path
from courier_runtime.control.wire import SMTP, SUBMIT, Unreachable, ask

OK, REFUSED, LATER, WRONG = 0, 67, 75, 77

_SPECIAL = frozenset('!"%(),./:;<=>?@[\\]')
"""Characters that make Courier quote a name."""


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
    """The message with a From header that bears the name, user and host that option and environment ask for.

    Where there is none, it is made of what is known. Line ends become LF, and the last line gets one.
    """
    text = message.replace(b"\r\n", b"\n")
    if text and not text.endswith(b"\n"):
        text += b"\n"
    headers, _, body = (b"", b"", text[1:]) if text.startswith(b"\n") else text.partition(b"\n\n")
    lines = headers.rstrip(b"\n").split(b"\n") if headers else []
    said = next((number for number, line in enumerate(lines) if line[:5].lower() == b"from:"), None)
    environment = os.environ
    name = options.name or environment.get("MAILNAME") or environment.get("NAME") or ""
    user, host = environment.get("MAILUSER"), environment.get("MAILHOST")
    if said is None:
        user = user or environment.get("LOGNAME") or environment.get("USER") or _account()[0]
        lines.append(f"From: {_mailbox(name or _account()[1], _joined(user, host))}".encode(errors="surrogateescape"))
    elif name or user or host:
        end = next((number for number in range(said + 1, len(lines)) if lines[number][:1] not in b" \t"), len(lines))
        lines[said:end] = [_renamed(b"\n".join(lines[said:end]), name, user, host)]
    else:
        return text
    return b"".join((b"\n".join(lines), b"\n\n", body))


def _renamed(header: bytes, name: str, user: str | None, host: str | None) -> bytes:
    """A From header with its first mailbox's name, local part or domain replaced by those that are given."""
    from email.utils import parseaddr

    phrase, address = parseaddr(header[5:].decode(errors="surrogateescape"))
    local_part, _, domain = address.rpartition("@") if "@" in address else (address, "", "")
    mailbox = _mailbox(name or phrase, _joined(user or local_part, host or domain))
    return f"From: {mailbox}".encode(errors="surrogateescape")


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


def _account() -> tuple[str, str]:
    """Name and full name of whoever runs this; `nobody` for a user id without a name."""
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return "nobody", ""
    return entry.pw_name, entry.pw_gecos.partition(",")[0]


def submit(options: Options, sender: str, message: bytes, program: str, also: dict[str, str]) -> int:
    """Give a message to the server; the exit code."""
    environment = os.environ
    said = {
        "sender": sender,
        "recipients": options.recipients,
        "bcc_only": options.bcc_only,
        "notify": options.notify or environment.get("DSNNOTIFY", ""),
        "returns": options.returns or environment.get("DSNRET", ""),
        "envelope_id": options.envelope_id or environment.get("DSNENVID", ""),
        "verp": options.verp,
        "security": options.security,
        **also,
    }
    try:
        answer = ask(socket_path(SUBMIT), said, message)
    except Unreachable as error:
        print(f"{program}: {error}", file=sys.stderr)
        return LATER
    if answer["code"] < 400:
        return OK
    print(answer["text"])
    print(f"{program}: Unable to submit message.", file=sys.stderr)
    return REFUSED if answer["code"] >= 500 else LATER


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
    return submit(options, sender_of(options), message, "sendmail", {})


if __name__ == "__main__":
    sys.exit(main())
