"""Address headers as Courier prints them again: addresses completed, comments moved back, lines folded anew.

Pure. Only what stands in From, To, Cc, Reply-To and Sender passes here; what was observed of the real
server decides where the grammar leaves room.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from courier_schema.legacy.formats.address import Kind, Token, render, tokenise

Relay = Callable[[bytes], bytes]

WIDTH: Final = 70
"""Characters of addresses on a line, each counted with the two that separate it from the next."""
_INDENT: Final = b"\n      "
_NARROW_INDENT: Final = b"\n  "

_ATOM: Final = rb"[A-Za-z0-9_+-]+"
_ADDRESS: Final = rb"%b(?:\.%b)*@%b(?:\.%b)*" % (_ATOM, _ATOM, _ATOM, _ATOM)
_MAILBOX: Final = rb'(?:(?:%b(?: %b)*|"[^"\\\n]*") <%b>|%b)' % (_ATOM, _ATOM, _ADDRESS, _ADDRESS)
_SETTLED: Final = re.compile(rb" %b\n" % _MAILBOX)
"""A value of one address that would be printed just as it is, as nearly all are."""

_AT: Final = Token(Kind.SPECIAL, b"@")
_BANG: Final = Token(Kind.SPECIAL, b"!")
_COLON: Final = Token(Kind.SPECIAL, b":")
_OPEN: Final = Token(Kind.SPECIAL, b"<")
_CLOSE: Final = Token(Kind.SPECIAL, b">")
_SEPARATORS: Final = {b",": b",", b";": b";"}
_ESCAPED: Final = re.compile(rb'[\\"]')


@dataclass(frozen=True, slots=True)
class Style:
    """What becomes of an address."""

    completion: bytes = b""
    """Domain of bare names; empty to leave them bare."""
    relay: Relay | None = None
    """What addresses with a per cent sign are rewritten to; None to leave them alone."""
    path: Relay | None = None
    """What paths of UUCP are rewritten to; None to leave them alone."""
    every: Relay | None = None
    """What each address is rewritten to, whatever it is; None to leave that to the others."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where lines are folded."""

    head: int = 0
    """Characters of the first line that the header's name takes; an address too long for the rest begins a new line."""
    indent: bytes = _INDENT

    @classmethod
    def after(cls, name: bytes) -> Layout:
        """That of modules, which print headers together with their names."""
        return cls(len(name) + 2, _NARROW_INDENT)


AS_IT_IS: Final = Style()
_AS_TAKEN_IN: Final = Layout()


def reprint(value: bytes, style: Style) -> bytes:
    """What follows the colon of an address header, line ends included."""
    if _SETTLED.fullmatch(value):
        return value
    return _folded(tokenise(value.strip()), style, _AS_TAKEN_IN)


def rewrite(name: bytes, value: bytes, every: Relay) -> bytes:
    """What follows the colon of an address header when a module rewrites every address in it."""
    return _folded(tokenise(value.strip()), Style(every=every), Layout.after(name))


def addresses(value: bytes, style: Style) -> list[bytes]:
    """The addresses in such a header, in order."""
    found = (address for _, address, _ in _parts(tokenise(value)) if address is not None)
    return [text for tokens in found if (text := _address(tokens, style))]


def _folded(tokens: Sequence[Token], style: Style, layout: Layout) -> bytes:
    items = list(_items(tokens, style))
    if not items:
        return b"\n"
    folded = _fold(items, layout)
    return (b"" if folded.startswith(b"\n") else b" ") + folded + b"\n"


def _fold(items: list[tuple[bytes, bytes]], layout: Layout) -> bytes:
    """Items with what follows each, on as many lines as they need."""
    lines: list[bytes] = []
    line, width = b"", layout.head
    for item, mark in items:
        cost = len(item) + 2
        if width and width + cost > WIDTH:
            lines.append(line)
            line, width = b"", 0
        line += (b" " if line and (item or mark) else b"") + item + mark
        width += cost
    lines.append(line)
    return layout.indent.join(lines).removesuffix(b",")


def _items(tokens: Sequence[Token], style: Style) -> Iterator[tuple[bytes, bytes]]:
    """Each address as printed, and the mark behind it. A semicolon that follows an item ends the group before it."""
    pending: tuple[bytes, bytes] | None = None
    for name, address, mark in _parts(tokens):
        if not name and address is None:
            if mark == b";" and (pending is None or pending[1] == b";"):
                if pending is not None:
                    yield pending
                pending = (b"", b";")
            elif mark == b";" and pending is not None:
                pending = (pending[0] + b" ", b";") if pending[0].endswith(b":") else (pending[0], b";")
            continue
        if pending is not None:
            yield pending
        pending = (_print(name, address, style), mark)
    if pending is not None:
        yield pending


def _parts(tokens: Sequence[Token]) -> Iterator[tuple[list[Token], list[Token] | None, bytes]]:
    """Display name, address and the mark behind it; a group's name and a lone comment have no address."""
    at = 0
    while at < len(tokens):
        name, address, at = _next(tokens, at)
        if address is None and name and name[-1] == _COLON:
            yield name, None, b""
        elif at < len(tokens) and (mark := _mark(tokens[at])):
            yield name, address, mark
            at += 1
        else:
            yield name, address, b","


def _next(tokens: Sequence[Token], at: int) -> tuple[list[Token], list[Token] | None, int]:
    start = at
    while at < len(tokens) and tokens[at].is_word:
        at += 1
    if at > start and at < len(tokens) and tokens[at] == _COLON:
        return list(tokens[start : at + 1]), None, at + 1
    end = next((end for end in range(start, len(tokens)) if _mark(tokens[end])), len(tokens))
    if _OPEN in tokens[start:end]:
        opened = tokens.index(_OPEN, start)
        closed = tokens.index(_CLOSE, opened) if _CLOSE in tokens[opened:] else len(tokens)
        return list(tokens[start:opened]), list(tokens[opened + 1 : closed]), closed + 1
    return _bare(tokens, start, end)


def _bare(tokens: Sequence[Token], at: int, end: int) -> tuple[list[Token], list[Token] | None, int]:
    """An address without brackets ends where two words meet; comments around it become its comment."""
    comments: list[Token] = []
    address: list[Token] = []
    while at < end and not (address and address[-1].is_word and tokens[at].is_word):
        (comments if tokens[at].kind is Kind.COMMENT else address).append(tokens[at])
        at += 1
    return comments, address or None, at


def _mark(token: Token) -> bytes:
    return _SEPARATORS.get(token.text, b"") if token.kind is Kind.SPECIAL else b""


def _print(name: list[Token], address: list[Token] | None, style: Style) -> bytes:
    if address is None:
        return render(name)
    printed = _address(address, style)
    if not name:
        return printed or b"<>"
    if all(token.kind is Kind.COMMENT for token in name):
        return printed + b" " + b" ".join(map(_comment, name))
    return _display(name) + b" <" + printed + b">"


def _address(tokens: list[Token], style: Style) -> bytes:
    printed = render(_complete(tokens, style.completion))
    if style.every is not None:
        return style.every(printed) if printed else printed
    if style.path is not None and b"!" in printed and b"@" not in printed:
        return style.path(printed)
    return style.relay(printed) if style.relay is not None and b"%" in printed else printed


def _display(name: list[Token]) -> bytes:
    """A display name, in quotes as a whole where its parts alone could not stand."""
    if len(name) > 1 and any(token.kind in (Kind.SPECIAL, Kind.QUOTED) for token in name):
        plain = _ESCAPED.sub(lambda found: b"\\" + found[0], _spaced(name))
        return b'"' + plain + b'"'
    return b" ".join(b'"' + _comment(token) + b'"' if token.kind is Kind.COMMENT else render([token]) for token in name)


def _spaced(name: list[Token]) -> bytes:
    text = b""
    for token in name:
        glued = token.kind is Kind.SPECIAL or not text
        text += (b"" if glued else b" ") + (_comment(token) if token.kind is Kind.COMMENT else render([token]))
    return text


def _comment(token: Token) -> bytes:
    return b"(" + token.text + b")"


def _complete(address: list[Token], completion: bytes) -> list[Token]:
    if not completion or not address or _AT in address or _BANG in address or not address[0].text:
        return address
    return [*address, _AT, Token(Kind.WORD, completion)]
