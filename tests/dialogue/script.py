"""The language of SMTP conversations: text to steps, pure. A script that parses can be played; one that does not is
told the line and the reason.

    # A recipient without a dot in its domain is refused.     the first line is the title
    --- a from 198.51.100.7 to 192.0.2.25 at smtp             open a connection, or go back to one
    HELLO                                                      220, EHLO client.example.net and 250, whatever they say
    C: RCPT TO:<alice@localhost>                               send a line; {plain:user:password}, {login:text},
                                                               {cram-md5:user:password} and its sisters compute answers
    C! "A"*600 "\\r\\n"                                          send bytes
    S: 513 Syntax error.                                       one line of a reply, a pattern
    S within 7s..9s: 502 ESMTP command error                   and how long it takes to come
    S~ 250 PIPELINING                                          the lines of one reply, in any order
    S* 250                                                     a whole reply with this code, whatever it says
    TLS                                                        begin TLS
    WAIT 1s / SILENT 1s                                        let time pass / and hear nothing in it
    CLOSED / CLOSE                                             the server hangs up / hang up
    MAILBOX anna                                               a new message of an account: the lines below
    | Subject: {*}                                             a line, a pattern; `| ...` stands for any lines
    MAILBOX anna nothing                                       no new message; `SINK nothing` likewise
    LOG                                                        lines of the log since the script began, in this order
    SINK                                                       a message handed to the remote server, with its commands

`S: ?` and a block's `| ?` stand for an answer not yet known: the recorder fills them in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from dialogue.patterns import MalformedPattern, Pattern, parse_pattern
from dialogue.steps import (
    ANY_LINES,
    LISTENERS,
    SERVER,
    STRANGER,
    Block,
    Computed,
    Do,
    Hear,
    HearAny,
    HearSet,
    Line,
    Open,
    Pause,
    Say,
    SayBytes,
    Script,
    Step,
)

UNKNOWN: Final = "?"
ANSWERS: Final = {"plain": 2, "login": 1, "cram-md5": 2, "cram-sha1": 2, "cram-sha256": 2}
"""What computes an answer to an AUTH challenge, and how many arguments it wants."""
LARGEST: Final = 64 * 1024 * 1024
"""Most bytes of one C! line."""


class MalformedScript(ValueError):
    """A line that is no part of the language."""

    def __init__(self, line: int, says: str) -> None:
        super().__init__(f"line {line}: {says}")
        self.line = line
        self.says = says


def parse_script(text: str) -> Script:
    """Read a script.

    Raises MalformedScript.
    """
    lines = text.split("\n")
    if not lines[0].startswith("# ") or not lines[0][2:].strip():
        raise MalformedScript(1, "a script begins with '# ' and a sentence that says what it shows")
    steps: list[Step] = []
    for number, line in enumerate(lines[1:], 2):
        if line.strip() and not line.startswith("#"):
            _add(steps, number, line)
    if not steps:
        raise MalformedScript(len(lines), "the script does nothing")
    _check_blocks(steps)
    return Script(lines[0][2:].strip(), tuple(_with_connections(steps)))


def _add(steps: list[Step], number: int, line: str) -> None:
    last = steps[-1] if steps else None
    if line == "|" or line.startswith("| "):
        if not isinstance(last, Block) or last.is_empty:
            raise MalformedScript(number, "a line with '|' belongs below MAILBOX, LOG or SINK")
        steps[-1] = replace(last, lines=(*last.lines, _block_line(number, line[2:])))
        return
    for step in _steps(number, line):
        if isinstance(step, HearSet) and isinstance(last, HearSet) and step.code == last.code:
            steps[-1] = replace(last, patterns=last.patterns + step.patterns)
        else:
            steps.append(step)


def _block_line(number: int, text: str) -> Line:
    if text == ANY_LINES:
        return Line(number, None, is_any=True)
    return Line(number, None if text == UNKNOWN else _pattern(number, text))


def _check_blocks(steps: list[Step]) -> None:
    for step in steps:
        if not isinstance(step, Block) or step.is_empty:
            continue
        if all(line.is_any for line in step.lines):
            raise MalformedScript(step.line, f"{step.where} wants at least one line that says something")
        if step.where == "LOG" and any(line.is_any for line in step.lines):
            raise MalformedScript(
                step.line, f"LOG wants no '{ANY_LINES}': other lines may stand between its lines anyway"
            )


def _with_connections(steps: list[Step]) -> Iterator[Step]:
    """The steps, each Open told whether it opens or returns, and one more for a script that names no connection."""
    seen: set[str] = set()
    if not isinstance(steps[0], Open):
        seen.add("")
        yield Open(steps[0].line, "")
    for step in steps:
        if isinstance(step, Open):
            if step.name in seen and not step.is_return:
                raise MalformedScript(
                    step.line, f"connection {step.name!r} is open already; return to it by its name alone"
                )
            yield replace(step, is_return=step.name in seen)
            seen.add(step.name)
        else:
            yield step


def _steps(number: int, line: str) -> tuple[Step, ...]:
    for expression, make in _FORMS:
        if found := re.fullmatch(expression, line):
            return make(number, found)
    raise MalformedScript(
        number, f"{line.split(' ')[0]!r} begins no step; the table is at the top of dialogue/script.py"
    )


def _pattern(number: int, text: str) -> Pattern:
    try:
        return parse_pattern(text)
    except MalformedPattern as trouble:
        raise MalformedScript(number, str(trouble)) from None


def _open(number: int, found: re.Match[str]) -> tuple[Step, ...]:
    rest = (found[2] or "").split()
    words = dict(zip(rest[::2], rest[1::2], strict=False))
    if len(rest) != 2 * len(words) or words.keys() - {"from", "to", "at"}:
        raise MalformedScript(number, "after the name come 'from ADDRESS', 'to ADDRESS' and 'at LISTENER', each once")
    listener = next((known for known in LISTENERS if known == words.get("at", "smtp")), None)
    if listener is None:
        raise MalformedScript(number, f"{words['at']!r} is not a listener; they are {', '.join(LISTENERS)}")
    source = _address(number, words.get("from", STRANGER))
    target = _address(number, words.get("to", SERVER))
    if (":" in source) != (":" in target):
        raise MalformedScript(number, "one address is IPv4 and the other IPv6")
    return (Open(number, found[1], source, target, listener, is_return=not rest),)


def _address(number: int, text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise MalformedScript(number, f"{text!r} is not an IP address") from None


def _say(number: int, found: re.Match[str]) -> tuple[Step, ...]:
    parts: list[str | Computed] = []
    for piece in re.split(r"(\{\{|\}\}|\{[^{}]*\}|[{}])", found[1] or ""):
        if piece in ("{{", "}}"):
            parts.append(piece[0])
        elif piece in ("{", "}"):
            raise MalformedScript(number, f"a lone {piece}: write it twice if it is meant itself")
        elif piece.startswith("{"):
            parts.append(_computed(number, piece[1:-1]))
        elif piece:
            parts.append(piece)
    return (Say(number, tuple(parts)),)


def _computed(number: int, text: str) -> Computed:
    kind, _, rest = text.partition(":")
    if kind not in ANSWERS:
        raise MalformedScript(number, f"{{{text}}} computes nothing; begin it with one of {', '.join(ANSWERS)}")
    arguments = tuple(rest.split(":", ANSWERS[kind] - 1)) if rest else ()
    if len(arguments) != ANSWERS[kind]:
        raise MalformedScript(number, f"{kind} wants {ANSWERS[kind]} arguments, each after a colon")
    return Computed(kind, arguments)


def _say_bytes(number: int, found: re.Match[str]) -> tuple[Step, ...]:
    text, position, data = found[1], 0, b""
    while position < len(text):
        quoted = _QUOTED.match(text, position)
        if quoted is None:
            raise MalformedScript(number, "C! wants texts in double quotes, each perhaps with *COUNT behind it")
        piece, count = _unescaped(number, quoted[1]), int(quoted[2] or 1)
        if len(data) + len(piece) * count > LARGEST:
            raise MalformedScript(number, f"more than {LARGEST} bytes")
        data += piece * count
        position = quoted.end()
    return (SayBytes(number, data),)


def _unescaped(number: int, text: str) -> bytes:
    def one(escape: re.Match[bytes]) -> bytes:
        code = escape[1]
        if len(code) == 3:
            return bytes.fromhex(code[1:].decode())
        if code not in _ESCAPES:
            raise MalformedScript(number, f"\\{code.decode(errors='replace')} is no escape; see dialogue/script.py")
        return _ESCAPES[code]

    return _ESCAPE.sub(one, text.encode())


def _hear(number: int, found: re.Match[str]) -> tuple[Step, ...]:
    low, high, text = found.groups()
    pattern = None if text == UNKNOWN else _pattern(number, text)
    if low is None:
        return (Hear(number, pattern),)
    if float(low) >= float(high):
        raise MalformedScript(number, "the shorter time comes first")
    return (Hear(number, pattern, (float(low), float(high))),)


def _hello(number: int, found: re.Match[str]) -> tuple[Step, ...]:
    name = found[1] or "client.example.net"
    return HearAny(number, "220"), Say(number, (f"EHLO {name}",)), HearAny(number, "250")


def _mailbox(number: int, found: re.Match[str]) -> tuple[Step, ...]:
    return (Block(number, "MAILBOX", found[1], (), is_empty=bool(found[2])),)


_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\*([0-9]{1,8}))?(?: +|$)')
_ESCAPE: Final = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPES: Final = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\", b'"': b'"'}
_SECONDS: Final = r"([0-9]{1,4}(?:\.[0-9]+)?)s"

_FORMS: Final[tuple[tuple[str, Callable[[int, re.Match[str]], tuple[Step, ...]]], ...]] = (
    (r"---(?: ([a-z0-9]+)((?: [^ ]+)*))", _open),
    (r"HELLO(?: ([^ ]+))?", _hello),
    (r"C:(?: (.*))?", _say),
    (r"C! (.+)", _say_bytes),
    (rf"S(?: within {_SECONDS}\.\.{_SECONDS})?: (.*)", _hear),
    (
        r"S~ ([0-9]{3})(?: (.*))?",
        lambda number, found: (HearSet(number, found[1], (_pattern(number, found[2] or ""),)),),
    ),
    (r"S\* ([0-9]{3})", lambda number, found: (HearAny(number, found[1]),)),
    (r"TLS", lambda number, _: (Do(number, "TLS"),)),
    (r"CLOSE", lambda number, _: (Do(number, "CLOSE"),)),
    (r"CLOSED", lambda number, _: (Do(number, "CLOSED"),)),
    (rf"WAIT {_SECONDS}", lambda number, found: (Pause(number, float(found[1]), is_silent=False),)),
    (rf"SILENT {_SECONDS}", lambda number, found: (Pause(number, float(found[1]), is_silent=True),)),
    (r"MAILBOX ([^ ]+)( nothing)?", _mailbox),
    (r"LOG", lambda number, _: (Block(number, "LOG", "", ()),)),
    (r"SINK( nothing)?", lambda number, found: (Block(number, "SINK", "", (), is_empty=bool(found[1])),)),
)
