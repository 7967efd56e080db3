"""Guards: changes that are rarely meant, found by arithmetic and refused until somebody says that they are.

Each has one word, which `--allow` takes. Nothing is judged by its looks: shares and network sizes are counted, and what
was there is compared with what will be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

from courier_compiler.planning.effects._services import SERVICES, SUBMISSION, Service
from courier_compiler.planning.effects.accounts import PUBLIC, accounts
from courier_compiler.planning.effects.addresses import fate
from courier_compiler.planning.effects.domains import ACCEPTING, accepted
from courier_compiler.planning.effects.relaying import Network, new_relays, open_listeners
from courier_compiler.planning.effects.tls import dropped
from courier_compiler.planning.sides import Side, Sides, changed_keys
from courier_compiler.planning.spelling import printable
from courier_schema.report import Mark, Problem, SitePath

_POSTMASTER: Final = "postmaster"
_ALIASES: Final = "aliases.dat"
_LARGEST: Final = {4: 16, 6: 48}
"""Shortest prefix, by version of IP, that may relay without a word: an institution's network, or one end site's
(RFC 6177)."""

Place = Callable[[SitePath], Mark | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """When a loss is too large: more than `percent` of at least `least` entries."""

    percent: int = 30
    least: int = 10

    def exceeded(self, gone: int, before: int) -> bool:
        return before >= self.least and gone * 100 > self.percent * before


CUSTOMARY: Final = Limits()


def guarded(sides: Sides, place: Place, limits: Limits = CUSTOMARY) -> tuple[Problem, ...]:
    """What each guard objects to; `place` finds the mark of a path of the site."""
    losses = (_accounts_gone, _domains_gone, _aliases_gone)
    found = [problem for guard in losses for problem in guard(sides, place, limits)]
    for guard in (_postmaster, _relay, _submission, _tls, _logins):
        found += guard(sides, place)
    return tuple(found)


def refused(problems: Collection[Problem], allowed: Collection[str]) -> tuple[Problem, ...]:
    """Those objections that no word allows."""
    return tuple(problem for problem in problems if problem.id.removeprefix("guard-") not in allowed)


# more than a share is gone


def _accounts_gone(sides: Sides, place: Place, limits: Limits) -> Iterator[Problem]:
    if PUBLIC in sides.changed:
        before = accounts(sides.before)
        gone = before - accounts(sides.after)
        if limits.exceeded(len(gone), len(before)):
            says = _share("accounts", len(gone), len(before))
            yield Problem("guard-accounts", says, _remedy("accounts"), place(("accounts",)), ("accounts",))


def _domains_gone(sides: Sides, place: Place, limits: Limits) -> Iterator[Problem]:
    if not sides.changed & {*ACCEPTING}:
        return
    before = accepted(sides.before)
    gone = before - accepted(sides.after)
    if limits.exceeded(len(gone), len(before)):
        says = _share("accepted domains", len(gone), len(before))
        yield Problem("guard-domains", says, _remedy("domains"), place(("domains",)), ("domains",))


def _aliases_gone(sides: Sides, place: Place, limits: Limits) -> Iterator[Problem]:
    if _ALIASES in sides.changed:
        before = sides.before.aliases().keys()
        gone = before - sides.after.aliases().keys()
        if limits.exceeded(len(gone), len(before)):
            says = _share("aliases", len(gone), len(before))
            yield Problem("guard-aliases", says, _remedy("aliases"), place(("aliases",)), ("aliases",))


def _share(what: str, gone: int, before: int) -> str:
    return f"{gone} of {before} {what} go, which is {gone * 100 // before} %"


# single things


def _postmaster(sides: Sides, place: Place) -> Iterator[Problem]:
    """Every domain that takes mail needs one (RFC 5321, 4.5.1)."""
    for address in _postmasters(sides):
        domain = address.partition("@")[2]
        if _is_reached(sides.before, address) and not _is_reached(sides.after, address) and _takes(sides.after, domain):
            path = ("host", "postmaster")
            says = f"{printable(address)} goes nowhere any longer, and every domain needs a postmaster"
            yield Problem("guard-postmaster", says, _remedy("postmaster"), place(path), path)


def _postmasters(sides: Sides) -> Iterator[str]:
    """The postmasters whose alias or account changes."""
    keys: set[str] = set()
    if _ALIASES in sides.changed:
        keys |= {_text(key) for key in changed_keys(sides.before.aliases(), sides.after.aliases())}
    if PUBLIC in sides.changed:
        keys |= {_text(key) for key in changed_keys(sides.before.records(PUBLIC), sides.after.records(PUBLIC))}
    default = sides.after.default_domain
    named = {key if "@" in key else f"{key}@{default}" for key in keys}
    yield from sorted(address for address in named if address.startswith(f"{_POSTMASTER}@"))


def _is_reached(side: Side, address: str) -> bool:
    return bool(fate(side, side.aliases(), address))


def _takes(side: Side, domain: str) -> bool:
    return domain == side.default_domain or domain in accepted(side)


def _relay(sides: Sides, place: Place) -> Iterator[Problem]:
    for table, key, networks in new_relays(sides):
        wide = "every client" if networks is None else ", ".join(map(str, filter(_is_wide, networks)))
        if wide:
            path = sides.path(table, _text(key))
            says = f"{wide} may relay, which makes this server useful to strangers"
            yield Problem("guard-relay", says, _remedy("relay"), place(path), path)
    for file in open_listeners(sides):
        path = sides.path(file, "RELAYCLIENT")
        says = f"every client of {file} may relay without a login"
        yield Problem("guard-relay", says, _remedy("relay"), place(path), path)


def _is_wide(network: Network) -> bool:
    return network.prefixlen < _LARGEST[network.version]


def _submission(sides: Sides, place: Place) -> Iterator[Problem]:
    for service in _services(sides, *SUBMISSION):
        if service.is_open(sides.before) and not service.is_open(sides.after):
            path = ("listeners", service.name)
            says = f"{service.name} closes, and users who hand in their mail there can send none"
            yield Problem("guard-submission", says, _remedy("submission"), place(path), path)


def _tls(sides: Sides, place: Place) -> Iterator[Problem]:
    for service in _services(sides):
        stays = service.is_open(sides.before) and service.is_open(sides.after)
        if service.tls_required and stays and dropped(sides, service):
            path = ("listeners", service.name)
            says = f"{service.name} no longer requires TLS, and passwords and mail may cross the network in clear text"
            yield Problem("guard-tls", says, _remedy("tls"), place(path), path)


def _logins(sides: Sides, place: Place) -> Iterator[Problem]:
    if sides.changed & {"authdaemonrc", PUBLIC}:
        before, after = {*sides.before.modules}, {*sides.after.modules}
        if before and not before & after:
            says = f"none of the back-ends that know accounts stays: {printable(', '.join(sorted(before)))}"
            yield Problem("guard-logins", says, _remedy("logins"), place(("auth",)), ("auth",))


def _services(sides: Sides, *names: str) -> Iterator[Service]:
    return (
        service for service in SERVICES if sides.changed & {*service.files} and (not names or service.name in names)
    )


WORDS: Final = ("accounts", "domains", "aliases", "postmaster", "relay", "submission", "tls", "logins")
"""What `--allow` takes."""


def _remedy(word: str) -> str:
    return f"say --allow {word} if that is meant"


def _text(key: bytes) -> str:
    return key.decode(errors="surrogateescape")
