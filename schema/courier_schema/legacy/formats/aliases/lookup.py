"""The lookup of one address in the alias databases, step by step as `submit` does it.

Pure: the databases come as functions. The steps are kept so that an answer can be explained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from courier_schema.legacy.formats.aliases.records import Get, stored_list
from courier_schema.legacy.formats.domains import Locality, lower


@dataclass(frozen=True, slots=True)
class Step:
    """One key that was tried."""

    key: str
    is_protocol: bool
    """True in the database of the protocol, False in the one for all mail."""
    is_virtual: bool
    """True when the key stands for a whole domain."""
    found: bool


@dataclass(frozen=True, slots=True)
class AliasAnswer:
    """Where an address leads, and how that was found. No recipients and a last step that found: to nobody."""

    recipients: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def is_alias(self) -> bool:
        return bool(self.steps) and self.steps[-1].found


def as_submitted(address: str, locality: Locality) -> str:
    """An envelope address in the case in which `submit` looks it up, whatever its domain."""
    local_part, at, domain = address.rpartition("@")
    if not at:
        local_part, domain = address, ""
    if locality.lowercase or local_part.lower() == "postmaster":
        local_part = lower(local_part)
    return local_part + at + lower(domain)


def lookup_alias(address: str, get: Get, locality: Locality, *, protocol_get: Get | None = None) -> AliasAnswer:
    """Look an address up, first in the database of the protocol it came through, then in the general one.

    The address is taken as it is; see `as_submitted` for what happens to it before. Recipients are not looked
    up again: nested aliases were expanded when the database was made.
    """
    key = _with_domain(address, locality)
    steps: list[Step] = []
    for database, is_protocol in ((protocol_get, True), (get, False)):
        if database is None:
            continue
        for wanted, is_virtual in _keys(key):
            found = database(_bytes(wanted)) is not None
            steps.append(Step(wanted, is_protocol, is_virtual, found))
            if found:
                stored = takewhile(bool, stored_list(_bytes(wanted), database))
                texts = [text.decode(errors="surrogateescape") for text in stored]
                local_part = key.partition("@")[0]
                made = (_in_virtual_domain(text, local_part, locality.me) for text in texts)
                return AliasAnswer(tuple(made if is_virtual else texts), tuple(steps))
    return AliasAnswer((), tuple(steps))


def _with_domain(address: str, locality: Locality) -> str:
    """The address with the default domain in place of a local domain or none."""
    local_part, at, domain = address.rpartition("@")
    if not at:
        return f"{address}@{lower(locality.default_domain)}"
    return f"{local_part}@{lower(locality.default_domain)}" if domain in locality.locals else address


def _keys(address: str) -> Iterator[tuple[str, bool]]:
    yield address, False
    local_part, at, domain = address.partition("@")
    if not any(character in local_part for character in "!%"):
        yield at + domain, True


def _in_virtual_domain(text: str, local_part: str, me: str) -> str:
    return f"{text}{'' if text.endswith('!') else '-'}{local_part}@{me}"


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
