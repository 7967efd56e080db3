"""Mistakes in texts that Courier takes literally: blanks at the ends, nothing at all, too much, carriage returns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding, per_site
from courier_compiler.checks._site import decided, dotted, greetings, said_at
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.codecs import TextCodec
from courier_schema.legacy.formats.domains import ONE_LINE_LIMIT
from courier_schema.legacy.table import rows
from courier_schema.legacy.tables.control import Control
from courier_schema.report import Severity, SitePath

_SKIPPED: Final = frozenset(
    {"domains", "accounts", "aliases", "protocol_aliases", "files", "hosts", "include", "environment"}
)
"""Sections whose words cannot have blanks, or whose text is carried as it is."""
_ONE_LINE: Final = frozenset(
    {
        ("host", "name"), ("host", "default_domain"), ("host", "message_id_domain"), ("host", "helo"),
        ("delivery", "maildrop"), ("delivery", "recipient_filter"), ("delivery", "alias_filter_home"),
        ("bounces", "sender"), ("filters", "perlfilter", "script"), ("uucp", "node"), ("site",),
        ("webmail", "host_name"), ("backup_relay",), ("backup_relay", "host"),
    }
)  # fmt: skip
"""Values of control files of which 255 bytes count."""
_LONGEST_GREETING: Final = 506
"""Bytes of a line of the banner: with its code and line end a reply has 512 (RFC 5321, section 4.5.3.1.5)."""
_MEANT_EMPTY: Final = frozenset({"access", "domain", "relay_suffix", "lines", "content", "footer"})
"""Keys for which an empty text says something of its own."""


@per_site
def _said(resolved: ResolvedSite) -> tuple[tuple[SitePath, str], ...]:
    """Every text of the site outside the large sections, with its place."""
    return tuple(
        found
        for section, value in resolved.document.tree.items()
        if section not in _SKIPPED
        for found in _texts((section,), value)
    )


_MIME: Final = re.compile(r"content-type:[^\n]*\n(?:[^\s:]+:[^\n]*\n|[ \t][^\n]*\n)*\n", re.IGNORECASE)


def _texts(path: SitePath, value: object) -> Iterator[tuple[SitePath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts((*path, key), inner)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _texts((*path, position), inner)


def _blanks(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, text in _said(resolved):
        line = text.removesuffix("\n")
        if line.strip() and line != line.strip(" \t") and "\n" not in line:
            where = "begins" if line[0] in " \t" else "ends"
            yield Finding(
                path,
                f"{dotted(path)} {where} with a blank, which Courier takes for a part of the value",
                f"write {line.strip()!r}",
            )


def _empty(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, text in _said(resolved):
        if not text.strip() and not _means_something(path):
            yield Finding(
                path,
                f"{dotted(path)} is empty, which is not the same as leaving it out",
                "write a text, or remove the key for the usual value",
            )


def _means_something(path: SitePath) -> bool:
    free = path[0] in ("settings", "virtual_hosts") or "set" in path or path[-1] in _MEANT_EMPTY
    return free or (path[0] == "bounces" and "texts" in path and not str(path[-1]).startswith(("subject", "header")))


def _carriage_returns(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, text in _said(resolved):
        if "\r" in text:
            yield Finding(
                path,
                f"{dotted(path)} contains a carriage return, which Courier keeps as a character",
                "write plain line breaks, for instance as a block that begins with |",
            )


def _too_long(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    said = [(path, said_at(resolved, path)) for path in _ONE_LINE]
    for path, text in (*said, *_said_of_control(resolved)):
        if isinstance(text, str) and len(text.encode()) > ONE_LINE_LIMIT:
            yield Finding(
                path,
                f"{dotted(path)} is longer than {ONE_LINE_LIMIT} bytes, and Courier reads no further",
                "write something shorter",
            )


def _said_of_control(resolved: ResolvedSite) -> Iterator[tuple[SitePath, object]]:
    """Values of one line that stand under `settings`."""
    control = resolved.settings.get("control")
    for row in rows(Control) if control is not None else ():
        value, path = decided(resolved, "control", row.attribute)
        if path[:1] == ("settings",) and not (isinstance(row.codec, TextCodec) and row.codec.lines):
            yield path, value


def _bounce_header(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    header = resolved.site.bounces.texts.header
    if header is not None and not _MIME.match(header):
        yield Finding(
            ("bounces", "texts", "header"),
            "the header of bounces does not begin with the MIME header of their text and an empty line",
            'start it with Content-Type: text/plain; charset="utf-8" and an empty line',
        )


def _greeting(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, text in greetings(resolved):
        longest = max((len(line.encode()) for line in (text or "").split("\n")), default=0)
        if longest > _LONGEST_GREETING:
            yield Finding(
                path,
                f"a line of {dotted(path)} has {longest} bytes, more than fit into a reply",
                f"write lines of at most {_LONGEST_GREETING} bytes",
            )


CHECKS: Final = (
    Check(
        "bounce-header",
        "A bounce header without MIME",
        "The header of bounces begins with the MIME header of their text and an empty line. Without these the bounces "
        "are unreadable.",
        _bounce_header,
    ),
    Check(
        "text-blank",
        "A blank at the beginning or the end of a value",
        "Courier removes the line break of a value and nothing else. A blank at either end becomes a part of the "
        "name, path or text, and is seen by nobody: a name with a blank behind it equals no other name.",
        _blanks,
        Severity.WARNING,
    ),
    Check(
        "text-empty",
        "An empty value",
        "For most control files an empty value is a value, not the absence of one: an empty sender, an empty name, "
        "nothing at all where a subject belongs. The usual value holds where the key is left out.",
        _empty,
        Severity.WARNING,
    ),
    Check(
        "text-carriage-return",
        "A carriage return in a text",
        "Courier's files have lines that end in a line feed. A carriage return before it stays as an invisible "
        "character at the end of the line; in a command or a path it makes a name that does not exist.",
        _carriage_returns,
        Severity.WARNING,
    ),
    Check(
        "greeting-too-long",
        "A banner with a line that is too long",
        "A line of an SMTP reply may have 512 bytes, its code and line end included (RFC 5321, section 4.5.3.1.5). "
        "Clients that allow for no more cut the banner, or hang up before the first mail.",
        _greeting,
    ),
    Check(
        "text-too-long",
        "A value that is longer than Courier reads",
        "Of a control file with one value Courier reads 255 bytes. What is longer is cut off without a word, in the "
        "middle of a name or a character.",
        _too_long,
    ),
)
