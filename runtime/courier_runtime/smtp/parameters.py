"""The grammar of MAIL and RCPT: a path between angle brackets, and parameters behind it.

Pure and total: any line has a reading, or is a syntax error. Courier takes whatever stands before the colon for FROM
and TO, and passes over parameters that it does not know; so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from courier_runtime.intake.parameters import LARGEST, MailParameters, RcptParameters
from courier_runtime.mail.envelope import Notify, Return, Security
from courier_runtime.mail.xtext import xtext

_PATH: Final = re.compile(r'[^:]*:\s*<((?:[^>"]|"(?:[^"\\]|\\.)*")*)>(.*)', re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_DIGITS: Final = re.compile(r"[0-9]*")


def parse_path(argument: str) -> tuple[str, str] | None:
    """The address and what follows it; None for a syntax error. Blanks around the address do not count."""
    found = _PATH.match(argument)
    return None if found is None else (found[1].strip(), found[2])


def parse_mail(text: str) -> MailParameters:
    """Parameters of MAIL."""
    if not text:
        return MailParameters()
    said = dict(_words(text))
    return MailParameters(
        size=_size(said.get("SIZE", "")),
        returns=_returns(said.get("RET", "")),
        envelope_id=_fit(said.get("ENVID", "")),
        verp="VERP" in said,
        security=_security(said.get("SECURITY", "")),
        smtputf8="SMTPUTF8" in said,
    )


def parse_rcpt(text: str) -> RcptParameters:
    """Parameters of RCPT."""
    if not text:
        return RcptParameters()
    said = dict(_words(text))
    letters = "".join(word.strip()[:1] for word in said.get("NOTIFY", "").split(","))
    return RcptParameters(Notify.of_letters(letters), _fit(xtext(said.get("ORCPT", "").partition(";")[2])))


def _fit(text: str) -> str:
    """A text that notices may quote in a header; one with control characters is taken as not said."""
    return "" if _CONTROL.search(text) else text


def _words(text: str) -> Iterator[tuple[str, str]]:
    for word in text.split():
        name, _, value = word.partition("=")
        yield name.upper(), value


def _size(text: str) -> int:
    digits = _DIGITS.match(text)
    number = digits[0] if digits else ""
    return min(int(number), LARGEST) if 0 < len(number) < 20 else LARGEST if number else 0


def _returns(text: str) -> Return:
    letter = text[:1].upper()
    return "full" if letter == "F" else "headers" if letter == "H" else ""


def _security(text: str) -> Security:
    level = text.upper()
    return "starttls" if level == "STARTTLS" else "none" if level == "NONE" else ""
