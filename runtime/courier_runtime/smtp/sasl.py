"""Mechanisms of AUTH: what the client is asked, and the login that its answers make (RFC 4954).

The mechanisms know nothing of connections: `ask` sends a challenge and brings the answer, both decoded.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from typing import Final

from courier_runtime.seams import Authenticator, Login, Rejected
from courier_runtime.snapshot.model import Snapshot

Ask = Callable[[bytes], Awaitable[bytes]]
"""Raises BrokenOff."""

EXTERNAL: Final = "EXTERNAL"
SERVICE: Final = "esmtp"
"""The name under which accounts are asked for here."""


class BrokenOff(Exception):
    """The client sent `*`, something that is not base64, or nothing at all."""


def encode(challenge: bytes) -> bytes:
    """A challenge as it stands behind 334."""
    return b64encode(challenge)


def decode(response: str) -> bytes:
    """An answer; `=` alone is an empty one. Raises BrokenOff."""
    if response == "=":
        return b""
    if response == "*":
        raise BrokenOff
    try:
        return b64decode(response, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BrokenOff from error


async def plain(initial: bytes | None, ask: Ask, challenge: bytes) -> Login:
    """PLAIN (RFC 4616): authorisation name, user and password in one; the first has no meaning here."""
    parts = (await ask(b"") if initial is None else initial).split(b"\0")
    if len(parts) != 3:
        raise BrokenOff
    return Login(_text(parts[1]), parts[2], mechanism="PLAIN")


async def login(initial: bytes | None, ask: Ask, challenge: bytes) -> Login:
    """LOGIN: user and password, each for a prompt."""
    user = await ask(b"Username:") if initial is None else initial
    return Login(_text(user), await ask(b"Password:"), mechanism="LOGIN")


def cram(mechanism: str) -> Callable[[bytes | None, Ask, bytes], Awaitable[Login]]:
    """CRAM-MD5 and its successors (RFC 2195): the password never travels."""

    async def answer(initial: bytes | None, ask: Ask, challenge: bytes) -> Login:
        user, blank, digest = (await ask(challenge)).rpartition(b" ")
        if not blank:
            raise BrokenOff
        return Login(_text(user), challenge=challenge, response=digest, mechanism=mechanism)

    return answer


MECHANISMS: Final[dict[str, Callable[[bytes | None, Ask, bytes], Awaitable[Login]]]] = {
    "PLAIN": plain,
    "LOGIN": login,
    "CRAM-MD5": cram("CRAM-MD5"),
    "CRAM-SHA1": cram("CRAM-SHA1"),
    "CRAM-SHA256": cram("CRAM-SHA256"),
}


def _text(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


async def prove(mechanism: str, initial: str | None, ask: Ask, server: str, certificate_name: str) -> Login:
    """What a client says to be, by any mechanism, offered or not. Raises BrokenOff.

    `initial` is the response that came with the command, still encoded; `certificate_name` whom TLS knows.
    """
    response = None if initial is None else decode(initial)
    if mechanism == EXTERNAL and certificate_name:
        if response is None:
            await ask(b"")
        return Login(certificate_name, mechanism=EXTERNAL)
    answer = MECHANISMS.get(mechanism)
    if answer is None:
        raise BrokenOff
    challenge = f"<{secrets.token_hex(16)}@{server}>".encode()
    return await answer(response, ask, challenge)


async def verify(proof: Login, authenticator: Authenticator, snapshot: Snapshot) -> str:
    """The name of the account that a login proves. Raises Rejected or Unavailable."""
    if proof.mechanism != EXTERNAL:
        return (await authenticator.verify(proof, SERVICE, snapshot)).name
    account = await authenticator.find(proof.user, SERVICE, snapshot)
    if account is None:
        raise Rejected
    return account.name
