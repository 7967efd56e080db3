"""Text parts of a message encoded for channels that take seven bits, or decoded for readers (RFC 2045). Pure.

What was changed says so in a header. Parts of other types, and those in base64, stay as they are.
"""

from __future__ import annotations

import quopri
from collections.abc import Callable, Iterator
from email.generator import BytesGenerator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from io import BytesIO
from typing import Final

_MARK: Final = "X-Mime-Autoconverted"
_ENCODING: Final = "Content-Transfer-Encoding"
_ENCODED: Final = frozenset({"base64", "quoted-printable"})
_AS_READ: Final = compat32.clone(max_line_length=0)
"""Headers are printed as they were read."""


def to_seven_bits(text: bytes, me: str) -> bytes:
    """The same message with no byte above 127 in its bodies."""
    return _recoded(text, _encode, me)


def to_eight_bits(text: bytes, me: str) -> bytes:
    """The same message with no text in quoted-printable."""
    return _recoded(text, _decode, me)


def _recoded(text: bytes, recode: Callable[[Message, str], bool], me: str) -> bytes:
    """The message after all its parts; the very same bytes where none of them changed."""
    message = BytesParser(policy=compat32).parsebytes(text)
    if "Mime-Version" not in message:
        message["Mime-Version"] = "1.0"
    is_changed = [recode(part, me) for part in _leaves(message)]
    if not any(is_changed):
        return text
    printed = BytesIO()
    BytesGenerator(printed, mangle_from_=False, policy=_AS_READ).flatten(message)
    return printed.getvalue()


def _leaves(message: Message) -> Iterator[Message]:
    for part in message.walk():
        if not part.is_multipart():
            yield part


def _encode(part: Message, me: str) -> bool:
    content = part.get_payload(decode=True)
    if _encoding_of(part) in _ENCODED or not isinstance(content, bytes) or content.isascii():
        return False
    if "Content-Type" not in part:
        part["Content-Type"] = "text/plain; charset=utf-8"
    _replace(part, quopri.encodestring(content), "8bit", "quoted-printable", me)
    return True


def _decode(part: Message, me: str) -> bool:
    if _encoding_of(part) != "quoted-printable" or part.get_content_maintype() != "text":
        return False
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes) or b"\0" in content:
        return False
    _replace(part, content, "quoted-printable", "8bit", me)
    return True


def _encoding_of(part: Message) -> str:
    return str(part.get(_ENCODING, "")).strip().lower()


def _replace(part: Message, content: bytes, old: str, new: str, me: str) -> None:
    if _ENCODING in part:
        part.replace_header(_ENCODING, new)
    else:
        part[_ENCODING] = new
    part[_MARK] = f"from {old} to {new} by {me}"
    part.set_payload(content.decode("ascii", errors="surrogateescape"))
