"""The source language of aliases: from text files to definitions, with everything that is wrong with them.

Reading never fails and never stops at a mistake. Errors are reported exactly where `aliasexp` of Courier 1.0
refuses to build; what it silently loses or stores to no use is reported as a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from courier_schema.legacy.formats.address import (
    AddressError,
    Module,
    Rewriter,
    Tokens,
    render,
    split_list,
    tokenise,
)
from courier_schema.legacy.formats.aliases.definitions import Definitions, place
from courier_schema.legacy.formats.aliases.doubts import Doubts
from courier_schema.legacy.formats.aliases.records import join
from courier_schema.legacy.formats.domains import Locality
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Severity

Include = Callable[[str], bytes]
"""Gives the content of an `:include:` file by its absolute path; raises OSError where it cannot be read."""

_BLANKS: Final = b" \t\n\v\f\r"
# possessive throughout: no part could match less and the whole still match, and noting where to go back takes a third
_ATOM: Final = rb"[a-z0-9_+-]++(?:\.[a-z0-9_+-]++)*+"
_LABEL: Final = rb"(?!xn--)[a-z0-9_+-]++"
_DOMAIN: Final = rb"%b(?:\.%b)*+" % (_LABEL, _LABEL)
_ADDRESS: Final = rb"%b(?:@%b)?+" % (_ATOM, _DOMAIN)
_COMMA: Final = rb"[ \t]*+,[ \t]*+"
_LINE: Final = re.compile(
    rb"(%b(?:@(%b))?+):[ \t]*+(%b(?:%b%b)*+\n)(?![ \t])|([^\n]*+)\n" % (_ATOM, _DOMAIN, _ADDRESS, _COMMA, _ADDRESS)
)
"""One line: a definition that needs no more than a default domain (name, its domain, recipients), or any other text."""
_INCLUDE: Final = b":include:"
_FILE_NAME_LIMIT: Final = 255
_ESCAPED: Final = re.compile(rb'[/.\-+"\\]')


def program_file(name: bytes) -> bytes:
    """The name of the file with the delivery instructions of an alias."""
    return _ESCAPED.sub(lambda found: b"+%02x" % ord(found[0]), name)


def parse_aliases(
    sources: Sequence[Source],
    locality: Locality,
    *,
    protocol: str | None = None,
    module: Module = "local",
    include: Include,
) -> Definitions:
    """Read alias sources in the given order, as `makealiases` reads the files of a directory.

    `protocol` names the database of one transport and with it the program alias directory; `module` is the
    transport whose rules complete the addresses.
    """
    definitions = Definitions([source.name for source in sources])
    directory = f".xalias-{protocol}" if protocol else ".xalias"
    reader = _Reader(definitions, Rewriter(locality, module), include, directory)
    for number, source in enumerate(sources):
        reader.read(source, number, is_last=number == len(sources) - 1)
    reader.finish()
    return definitions


class _Piece(NamedTuple):
    """A physical line of a logical one: comment and trailing white space removed."""

    file: str
    place: int
    line: int
    text: bytes

    def mark(self, offset: int) -> Mark:
        return Mark(self.file, self.line, len(self.text[:offset].decode(errors="replace")) + 1)


class _Logical(NamedTuple):
    """A logical line: a definition with its continuations."""

    pieces: Sequence[_Piece]
    text: bytes

    def mark(self, offset: int) -> Mark:
        """The place of a byte of the text, or of its end."""
        *before, last = self.pieces
        for piece in before:
            if offset < len(piece.text):
                return piece.mark(offset)
            offset -= len(piece.text)
        return last.mark(offset)


_MarkOf = Callable[[int], Mark]


@dataclass(slots=True)
class _Reader:
    definitions: Definitions
    rewriter: Rewriter
    include: Include
    program_directory: str
    doubts: Doubts = field(init=False)
    _pending: list[_Piece] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.doubts = Doubts(self.rewriter, self.definitions)

    def read(self, source: Source, number: int, *, is_last: bool) -> None:
        """Read one file; only the last one loses a line that has no newline."""
        self.doubts.about_text(source)
        line = self._read_lines(source, number)
        rest = _stripped(source.content[source.content.rfind(b"\n") + 1 :])
        if is_last:
            self._finish_line()
        if not source.content.endswith(b"\n") and source.content:
            self.doubts.about_last_line(source.name, line + 1, rest, is_lost=is_last)
            if not is_last:
                self._take(_Piece(source.name, place(number, line + 1), line + 1, rest))
        else:
            self._finish_line()

    def finish(self) -> None:
        """Look at the whole once everything was read."""
        self.doubts.about_all()

    def _read_lines(self, source: Source, number: int) -> int:
        """Read the complete lines of a file; the number of the last one."""
        file, definitions, doubts = source.name, self.definitions, self.doubts
        first, add_place = definitions.first, definitions.places.append
        suffix = self.rewriter.plain_suffix or None
        quiet_domains = doubts.quiet_domains
        base, line = place(number, 0), 0
        for line, found in enumerate(_LINE.finditer(source.content), 1):
            name, domain, recipients, other = found.groups()
            if recipients is None or suffix is None:
                self._take(_Piece(file, base + line, line, _stripped(found[0] if other is None else other)))
                continue
            if self._pending:
                self._finish_line()
            if domain is None:
                name += suffix
            elif domain not in quiet_domains:
                doubts.about_name(name, Mark(file, line))
            if b"," in recipients or b"@" not in recipients:
                recipients = _completed(recipients, suffix)
            if name in first:
                definitions.add(name, recipients, base + line)
            else:
                first[name] = recipients
                add_place(base + line)
        return line

    def _take(self, piece: _Piece) -> None:
        if piece.text[:1] not in (b" ", b"\t"):
            self._finish_line()
        if piece.text:
            self._pending.append(piece)

    def _finish_line(self) -> None:
        if self._pending:
            pieces, self._pending = self._pending, []
            self._define(_Logical(pieces, b"".join([piece.text for piece in pieces])))

    def _define(self, logical: _Logical) -> None:
        name_text, colon, value = logical.text.partition(b":")
        mark = logical.mark(_indent(name_text))
        if not colon:
            self.doubts.report("alias-without-colon", mark, Severity.ERROR)
            return
        name = self._name(name_text.strip(_BLANKS), mark)
        offset = len(name_text) + 1 + _indent(value)
        recipients = self._recipients(name, value.lstrip(_BLANKS), lambda at: logical.mark(offset + at))
        if name is None or recipients is None:
            return
        self.doubts.about_name(name, mark)
        if not recipients:
            self.doubts.empty[name] = mark
        self.definitions.add(name, join(recipients), logical.pieces[0].place)

    def _name(self, text: bytes, mark: Mark) -> bytes | None:
        plain = None if b"," in text else self.rewriter.plain_list(text)
        return plain[0] if plain else self._rewrite(tokenise(text), mark)

    def _recipients(self, name: bytes | None, value: bytes, mark: _MarkOf) -> list[bytes] | None:
        if value[:1] in (b"/", b"|"):
            return self._program(name, value, mark(0))
        if value.startswith(_INCLUDE):
            return self._included(name, value.removeprefix(_INCLUDE), mark(0))
        return self._list(name, value, mark)

    def _list(self, name: bytes | None, text: bytes, mark: _MarkOf) -> list[bytes] | None:
        """The addresses of a list; None if one of them was refused, which was then reported."""
        is_virtual = name is not None and name.startswith(b"@")
        if not is_virtual and (plain := self.rewriter.plain_list(text)) is not None:
            return plain
        addresses: list[bytes | None] = []
        for tokens in split_list(tokenise(text)):
            place = mark(tokens[0].at)
            address = render(tokens) if is_virtual else self._rewrite(tokens, place)
            if address is not None:
                self.doubts.about_recipient(address, is_virtual=is_virtual, mark=place)
            addresses.append(address)
        return None if None in addresses else [address for address in addresses if address is not None]

    def _rewrite(self, tokens: Tokens, mark: Mark) -> bytes | None:
        try:
            return self.rewriter.rewrite(tokens)
        except AddressError as error:
            self.doubts.about_refusal(error, tokens, mark)
            return None

    def _program(self, name: bytes | None, instructions: bytes, mark: Mark) -> list[bytes] | None:
        if name is None:
            return None
        file = program_file(name)
        if not file or len(file) > _FILE_NAME_LIMIT:
            self.doubts.report("alias-program-name", mark, Severity.ERROR, limit=_FILE_NAME_LIMIT)
            return None
        programs = self.definitions.programs
        programs[file] = programs.get(file, b"") + instructions + b"\n"
        return [b'"%b/%b"@%b' % (self.program_directory.encode(), file, self.rewriter.default_domain)]

    def _included(self, name: bytes | None, path: bytes, mark: Mark) -> list[bytes] | None:
        file = path.partition(b"\0")[0].decode(errors="surrogateescape")
        if not file.startswith("/"):
            self.doubts.report("alias-include-relative", mark, Severity.ERROR, file=file)
            return None
        try:
            content = self.include(file)
        except IsADirectoryError:
            self.doubts.report("alias-include-directory", mark, file=file)
            return []
        except OSError as error:
            self.doubts.report("alias-include-unreadable", mark, Severity.ERROR, file=file, why=error.strerror)
            return None
        self.doubts.about_text(Source(file, content))
        *lines, rest = content.split(b"\n")
        if rest:
            self.doubts.about_last_line(file, len(lines) + 1, _stripped(rest), is_lost=True)
        lists = [
            self._list(name, _stripped(line), _Piece(file, 0, number, line).mark)
            for number, line in enumerate(lines, 1)
        ]
        return None if None in lists else [address for addresses in lists for address in addresses or ()]


def _completed(recipients: bytes, suffix: bytes) -> bytes:
    """The list of a plain line as it is stored: one address per line, each with a domain."""
    addresses = re.split(_COMMA, recipients[:-1])
    return join(address if b"@" in address else address + suffix for address in addresses)


def _stripped(line: bytes) -> bytes:
    return line.partition(b"#")[0].rstrip(_BLANKS)


def _indent(text: bytes) -> int:
    return len(text) - len(text.lstrip(_BLANKS))
