"""The trace header that every message gets, and the form of dates (RFC 5321, 4.4)."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Final

from courier_runtime.mail.ids import MessageId
from courier_runtime.policy.client import Client

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def received(origin: str, comment: str, me: str, protocol: str, name: MessageId, now: float) -> bytes:
    """The Received header. `origin` is what follows `from`, `comment` the parenthesis, empty for none."""
    aside = f"\n  ({comment})" if comment else ""
    text = f"Received: from {origin}{aside}\n  by {me} with {protocol}\n  id {name}; {date(int(now))}\n"
    return text.encode(errors="surrogateescape")


@lru_cache(maxsize=2)
def date(now: int) -> str:
    """RFC 5322, 3.3, in local time. Messages of one second share it."""
    at = time.localtime(now)
    offset = at.tm_gmtoff // 60
    sign = "-" if offset < 0 else "+"
    zone = f"{sign}{abs(offset) // 60:02}{abs(offset) % 60:02}"
    day = f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {_MONTHS[at.tm_mon - 1]} {at.tm_year}"
    return f"{day} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} {zone}"


def comment(client: Client) -> str:
    """What is known of a client besides its address: ident or proxy text, login, encryption."""
    said: list[str] = []
    if client.info:
        said.append(f"IDENT: {client.info}")
    if client.login:
        said.append(f"AUTH: {client.mechanism} {client.login}")
    if client.tls:
        said.append(f"{'SSL' if client.is_tls_from_start else 'TLS'}: {client.tls}")
    return ", ".join(said)


def protocol(client: Client, is_utf8: bool) -> str:
    """The type of the transmission, RFC 3848 and RFC 6531."""
    base = "UTF8SMTP" if is_utf8 else "ESMTP" if client.is_extended else "SMTP"
    if base == "SMTP":
        return base
    return base + ("S" if client.tls else "") + ("A" if client.login else "")


def authentication_results(client: Client, me: str) -> bytes:
    """A header for each list of friends that the client stands in."""
    return b"".join(
        (
            f"Authentication-Results: {me};\n    dnswl=pass dns.zone={friend.display}\n"
            f"    policy.ip={friend.answer}\n" + (f'    policy.txt="{friend.text}"\n' if friend.text else "")
        ).encode(errors="surrogateescape")
        for friend in client.recommendations
    )


@lru_cache(maxsize=64)
def host_of_origin(origin: str) -> str:
    """What follows `from` for an envelope's origin, `type; text`."""
    return origin.partition("; ")[2] or origin or "localhost (localhost [127.0.0.1])"
