"""The esmtpacceptmailfor and esmtppercentrelay databases: domains beside those of the text list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from courier_schema.legacy.formats.citation import cite
from courier_schema.legacy.formats.domains import DomainList, normal_form
from courier_schema.legacy.formats.hosted import Get, key_problems, search_keys
from courier_schema.report import Problem, Severity

DEPTH: Final = 8
"""Keys that are looked up for a domain: itself and seven of its ends."""


@dataclass(frozen=True, slots=True)
class AcceptAnswer:
    """Whether a domain is in a list or its database, and why."""

    found: str | None
    """The entry of the text list or the key of the database that has it; None if it is in neither."""
    tried: tuple[str, ...]
    """The keys of the database that were looked up, in order; none if the text list decided."""

    @property
    def is_accepted(self) -> bool:
        """True when the domain is in the list or in the database."""
        return self.found is not None


def lookup_accept(domain: str, text_list: DomainList, get: Get, host_name: str) -> AcceptAnswer:
    """Look a domain up as module esmtp does: the text list, then the database, whose values do not count.

    An exclusion in the text list ends the search of the list only; the database may still have the domain.
    """
    entry = text_list.match(domain)
    if entry is not None:
        return AcceptAnswer(entry, ())
    tried: list[str] = []
    for key in search_keys(normal_form(domain), host_name, DEPTH):
        tried.append(key)
        if get(key.encode(errors="surrogateescape")) is not None:
            return AcceptAnswer(key, tuple(tried))
    return AcceptAnswer(None, tuple(tried))


@dataclass(frozen=True, slots=True)
class PercentAnswer:
    """What becomes of `user%inner@outer`."""

    address: str
    """The address that counts: `user@inner` if it is relayed, else the one given."""
    inner: AcceptAnswer | None
    """How the inner domain was looked up; None if there is none or the outer one is not of this server."""


def relay_percent(address: str, is_ours: Callable[[str], bool], relays: Callable[[str], AcceptAnswer]) -> PercentAnswer:
    """Apply the percent relay of module esmtp to an address.

    `is_ours` says whether a domain is in `locals` or hosteddomains, `relays` looks one up in esmtppercentrelay.
    """
    local_part, _, outer = address.rpartition("@")
    user, percent, inner = local_part.rpartition("%")
    if not percent or not is_ours(outer):
        return PercentAnswer(address, None)
    answer = relays(inner)
    return PercentAnswer(f"{user}@{inner}" if answer.is_accepted else address, answer)


def inspect(rows: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, Problem]]:
    """What is wrong with the rows of one of the two sources: keys no domain matches, values nothing reads."""
    for key, value in rows.items():
        yield from ((key, problem) for problem in key_problems(key))
        if value not in (b"1", b"\r"):
            yield key, _ignored_value(key, value)


def _ignored_value(key: bytes, value: bytes) -> Problem:
    return Problem(
        "domain-value-ignored",
        f"the value {cite(value)} of {cite(key)} has no effect: only the presence of the domain counts",
        "remove the value",
        severity=Severity.WARNING,
    )
