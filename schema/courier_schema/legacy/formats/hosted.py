"""The hosteddomains database: which domains are local, and under which domain their accounts are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

from courier_schema.legacy.formats.citation import cite
from courier_schema.legacy.formats.domains import DomainList, itself_and_ends, lower, normal_form, under_host_name
from courier_schema.report import Problem, Severity

Get = Callable[[bytes], bytes | None]
"""Reads one record of a database; None if there is none. `mapping.get` is one."""

_LABEL: Final = rb"(?!xn--)[a-z0-9_-]+"
_SOUND_KEY: Final = re.compile(rb"\.?%b(?:\.%b)*" % (_LABEL, _LABEL))
"""A plain domain, of which nothing is to be said."""

WILDCARD_DEPTH: Final = 5
"""Labels in front of a wildcard that a domain may have and still be found."""

CATCH_ALL: Final = "alias"
"""Local part of the account that gets what no other account of a hosted domain takes."""


class Place(StrEnum):
    """Where mail for a domain goes."""

    LOCAL = "local"
    HOSTED = "hosted"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class HostedAnswer:
    """Where a domain belongs, and why."""

    place: Place
    domain: str | None
    """The domain of its accounts, lower case; None for local accounts, which have none, and for remote domains."""
    found: str | None
    """What decided: an entry of `locals` or a key of hosteddomains."""
    tried: tuple[str, ...]
    """The keys of hosteddomains that were looked up, in order."""

    def accounts(self, local_part: str) -> Iterator[str]:
        """The account names that are tried for mail to a hosted domain, in order."""
        if self.place is not Place.HOSTED:
            return
        name = local_part
        while name:
            yield f"{name}@{self.domain}"
            name = name.rpartition("-")[0]
        yield f"{CATCH_ALL}@{self.domain}"


def lookup_hosted(domain: str, get: Get, host_name: str, local_domains: DomainList) -> HostedAnswer:
    """Decide as every Courier program does whether a domain is in `locals`, hosted, or remote."""
    entry = local_domains.match(domain)
    if entry is not None:
        return HostedAnswer(Place.LOCAL, None, entry, ())
    form = normal_form(domain)
    tried: list[str] = []
    for key in search_keys(form, host_name, 1 + WILDCARD_DEPTH):
        tried.append(key)
        value = get(key.encode(errors="surrogateescape"))
        if value is not None:
            account_domain = _account_domain(form, key, value)
            return HostedAnswer(Place.HOSTED, account_domain, key, tuple(tried))
    return HostedAnswer(Place.REMOTE, None, None, tuple(tried))


def search_keys(form: str, host_name: str, depth: int) -> Iterator[str]:
    """The keys under which a domain in normal form is looked up: as `*` if it is under the host name, then
    itself and up to `depth` - 1 of its ends, each from a dot on.
    """
    starred = under_host_name(form, host_name)
    if starred is not None:
        yield starred
    yield from islice(itself_and_ends(form), depth)


def inspect(rows: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, Problem]]:
    """What is wrong with the rows of a hosteddomains source: keys no domain matches, values that are no domain."""
    for key, value in rows.items():
        if not _SOUND_KEY.fullmatch(key):
            yield from ((key, problem) for problem in key_problems(key))
        if value != b"1":
            yield from ((key, problem) for problem in _value_problems(key, value, rows))


def key_problems(key: bytes) -> Iterator[Problem]:
    """What keeps a key of a domain database from ever matching. Blanks are left to makedat's own checks."""
    if b" " in key:
        return
    if key.startswith(b"!"):
        yield _warning(
            "domain-exclusion",
            f"{cite(key)} excludes nothing: exclusions work in text lists only, and no domain matches this key",
            f"remove the line, or list the domains below {cite(key[1:])} one by one",
        )
    elif (form := normal_form(key)) != key:
        yield _warning(
            "domain-not-normal",
            f"the domain {cite(key)} is stored as typed, but looked up in lower case and UTF-8, so it never matches",
            f"write {cite(form)}",
        )
    elif key.endswith(b".") or b".." in key:
        yield _warning(
            "domain-empty-label",
            f"{cite(key)} has an empty label, which no domain of an address has",
            "remove the superfluous dot",
        )


def _account_domain(form: str, key: str, value: bytes) -> str:
    if len(value) > 1:
        return lower(value).decode(errors="surrogateescape")
    return form if key.startswith("*") else key


def _value_problems(key: bytes, value: bytes, rows: Mapping[bytes, bytes]) -> Iterator[Problem]:
    if len(value) == 1:
        yield _warning(
            "hosted-short-target",
            f"the target {cite(value)} of {cite(key)} has one character, which Courier takes for no target",
            "write the whole domain, or leave the target out",
        )
    elif value.strip() != value.rstrip(b"\r") or len(value.split()) > 1:
        yield _warning(
            "hosted-target-blank",
            f"the target {cite(value)} of {cite(key)} has blanks in it, and no account belongs to such a domain",
            "write one domain and nothing behind it",
        )
    elif len(rows.get(value, b"1")) > 1 and value != key:
        yield _warning(
            "hosted-chain",
            f"{cite(key)} leads to {cite(value)}, which leads to {cite(rows[value])}; Courier follows one step only",
            f"make {cite(rows[value])} the target",
        )


def _warning(problem: str, says: str, remedy: str) -> Problem:
    return Problem(problem, says, remedy, severity=Severity.WARNING)
