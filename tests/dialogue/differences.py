"""Where the runtime answers otherwise than the real Courier on purpose: each place, what it says, and why.

The real Courier must hold to the script, the runtime to the script with these lines changed. A difference that no
longer differs fails, so the list stays as short as the truth allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from dialogue.patterns import parse_pattern
from dialogue.steps import Block, Hear, Line, Script, Step


@dataclass(frozen=True, slots=True)
class Difference:
    """A line of a script, or some that follow each other, that the runtime replaces by others, or by none."""

    script: str
    """Group and name, without the ending."""
    line: int
    instead: tuple[str, ...]
    """Patterns of the lines that the runtime says in place of the script's line."""
    reason: str
    to: int = 0
    """The last of the lines, where there are several."""

    def covers(self, line: int) -> bool:
        """Whether it is about this line of its script."""
        return self.line <= line <= max(self.line, self.to)


REWORDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "This is a MIME-formatted message.  If you see this text it means that your": (
            "This is a MIME message. If you can read these words, your mail program does"
        ),
        "E-mail software does not support MIME-formatted messages.": (
            "not know MIME, and what comes next is for one that does."
        ),
    }
)
"""Lines that mean nothing to any program, which the runtime has in words of its own."""

_KEPT: Final = "Every byte of a text is kept, so that signatures over it stay valid."
_NAMED: Final = "Who has changed a message is told by the server's name; the runtime is another program."
_AS_IT_IS: Final = "A message with parts is not taken apart and put together anew: signatures over it stay valid."
_AS_ANY_NOTICE: Final = "A notice about a message beyond ASCII has the form of all other notices."
_NO_EIGHT_BIT: Final = "notices/280-smtputf8-refused"

DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference("auth/300-failed-starttls", 6, (), "Who speaks no TLS would not understand an alert of TLS either."),
    Difference("data/030-carriage-returns", 15, ("one\\rtwo\\r",), _KEPT),
    Difference("data/050-nul", 15, ("one\\0two",), _KEPT),
    Difference("data/060-nul-in-header", 18, ("Subject: nul\\0here", "X-Other: 1"), _KEPT),
    Difference(
        "data/170-pipelined-after-end",
        10,
        ("250 Ok. {TIME16}.{PID8}", "250 Ok.", "250 Ok"),
        "RFC 2920 lets commands follow the end of a text in one packet.",
    ),
    Difference("dnslists/030-no-text", 7, ("511 Blacklisted by text.example",), "A star tells nobody anything."),
    Difference(
        "envelope/080-quoted-local-parts",
        23,
        ("Delivered-To: anna@example.org",),
        "An address has one spelling, so that loops and duplicates are seen however it was quoted.",
    ),
    Difference(
        "envelope/240-long-local-part",
        6,
        (f"550 User <{'a' * 300}> unknown",),
        "Who is unknown is refused while the client is there, whatever the length of the name.",
    ),
    Difference("headers/170-mime", 34, ("Content-Type: multipart/mixed; boundary=x",), _AS_IT_IS),
    Difference("headers/170-mime", 36, ("--x",), _AS_IT_IS, to=41),
    Difference("headers/170-mime", 44, ("--x",), _AS_IT_IS),
    Difference("headers/170-mime", 49, ("--x--",), _AS_IT_IS),
    Difference(
        "notices/070-receipt-left-to-the-remote",
        16,
        ("MAIL FROM:<anna@example.org> BODY=7BIT RET=HDRS ENVID=QQ+2B1 SIZE=487",),
        "What the sender asks of notices goes on to the next server, RET=HDRS as well.",
    ),
    Difference(
        "notices/190-null-mx",
        52,
        (" <<< Domain does not receive mail.",),
        "A domain that takes no mail exists (RFC 7505), and later versions of Courier say so too.",
    ),
    Difference(
        "notices/190-null-mx",
        73,
        ("Diagnostic-Code: unknown; Domain does not receive mail.",),
        "A domain that takes no mail exists (RFC 7505), and later versions of Courier say so too.",
    ),
    Difference(
        "notices/250-eight-bit-to-plain",
        27,
        ("X-Mime-Autoconverted: from 8bit to quoted-printable by mx.example.org",),
        _NAMED,
    ),
    Difference(
        _NO_EIGHT_BIT,
        27,
        (
            "Content-Type: multipart/report; report-type=delivery-status;",
            '    boundary="=_courier_0"',
            "Content-Transfer-Encoding: 8bit",
        ),
        _AS_ANY_NOTICE,
    ),
    Difference(
        _NO_EIGHT_BIT,
        34,
        ("--=_courier_0", "Content-Transfer-Encoding: 7bit", 'Content-Type: text/plain; charset="utf-8"'),
        _AS_ANY_NOTICE,
        to=36,
    ),
    Difference(
        _NO_EIGHT_BIT,
        52,
        (
            " <<< 553-The recipient's mail server does not support E-mail addresses or",
            " <<< 553-headers in UTF-8, and this message has some. It can be delivered",
            " <<< 553-only to servers that do, or after somebody has written it without",
            " <<< 553 such characters.",
        ),
        "What only people read is in words of our own.",
        to=55,
    ),
    Difference(_NO_EIGHT_BIT, 65, ("--=_courier_0",), _AS_ANY_NOTICE),
    Difference(
        _NO_EIGHT_BIT,
        77,
        (
            "Diagnostic-Code: unknown; 553-The recipient's mail server does not support E-mail addresses or",
            "        553-headers in UTF-8, and this message has some. It can be delivered",
            "        553-only to servers that do, or after somebody has written it without",
            "        553 such characters.",
        ),
        "What only people read is in words of our own.",
        to=80,
    ),
    Difference(
        _NO_EIGHT_BIT,
        82,
        ("--=_courier_0", "Content-Type: message/global", "Content-Transfer-Encoding: 8bit"),
        _AS_ANY_NOTICE,
        to=83,
    ),
    Difference(_NO_EIGHT_BIT, 91, (), _AS_ANY_NOTICE, to=93),
    Difference(_NO_EIGHT_BIT, 97, ("--=_courier_0--",), _AS_ANY_NOTICE, to=98),
    Difference(
        "policy/080-bad-senders",
        14,
        ("517 Sender rejected: root@b.wild.example",),
        "The form is documented, and later versions of Courier honour it.",
    ),
    Difference(
        "rewriting/040-seven-bit",
        32,
        ("X-Mime-Autoconverted: from 8bit to quoted-printable by mx.example.org",),
        _NAMED,
    ),
    Difference(
        "rewriting/050-eight-bit",
        62,
        ("X-Mime-Autoconverted: from quoted-printable to 8bit by mx.example.org",),
        _NAMED,
    ),
    Difference(
        "session/210-ehlo-in-transaction",
        16,
        ("502 ESMTP command error",),
        "EHLO ends a transaction as RSET does (RFC 5321, 4.1.4), and everybody knows what follows.",
    ),
    Difference(
        "session/210-ehlo-in-transaction",
        18,
        ("250 Ok.",),
        "EHLO ends a transaction as RSET does (RFC 5321, 4.1.4), and everybody knows what follows.",
    ),
    Difference(
        "session/280-log-of-a-message",
        23,
        ("courierd: Waiting.  shutdown time=none, wakeup time=none, queuedelivering=0, inprogress=0",),
        "The runtime never stops to begin anew, so it knows no such time.",
    ),
)


class UnknownLine(ValueError):
    """A difference names a line that expects nothing."""


def applied(script: Script, differences: Iterable[Difference]) -> Script:
    """The script as the runtime is expected to hold it.

    Raises UnknownLine.
    """
    for difference in differences:
        steps = tuple(changed for step in script.steps for changed in _changed(step, difference))
        if steps == script.steps:
            raise UnknownLine(
                f"{difference.script}:{difference.line} is no 'S:' and no '|' line, or says the same already"
            )
        script = replace(script, steps=steps)
    return script


def reworded(script: Script, words: Mapping[str, str]) -> Script:
    """The script with these lines said in other words, wherever they stand in a message."""

    def said(line: Line) -> Line:
        other = words.get(line.pattern.source) if line.pattern is not None else None
        return line if other is None else replace(line, pattern=parse_pattern(other))

    steps = (
        replace(step, lines=tuple(map(said, step.lines))) if isinstance(step, Block) else step for step in script.steps
    )
    return replace(script, steps=tuple(steps))


def _changed(step: Step, difference: Difference) -> Iterator[Step]:
    if isinstance(step, Hear) and difference.covers(step.line):
        for text in difference.instead if step.line == difference.line else ():
            yield replace(step, pattern=parse_pattern(text))
    elif isinstance(step, Block):
        yield replace(step, lines=tuple(changed for line in step.lines for changed in _changed_line(line, difference)))
    else:
        yield step


def _changed_line(line: Line, difference: Difference) -> Iterator[Line]:
    if not difference.covers(line.line):
        yield line
        return
    for text in difference.instead if line.line == difference.line else ():
        yield replace(line, pattern=parse_pattern(text), is_any=False)
