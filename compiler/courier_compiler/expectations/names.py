"""Expectations of names: what the host does for a domain, how mail leaves for one, and what an account is given."""

from __future__ import annotations

import re
from collections.abc import Iterator

from courier_compiler.expectations.mail import canonical
from courier_compiler.expectations.values import Mismatch, compare
from courier_compiler.tracing.host import CompiledHost
from courier_compiler.tracing.recipient import accepted_why, accepts
from courier_compiler.tracing.route import hop
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.legacy.formats.hosted import Place
from courier_schema.site.tests import MailboxTest, RouteTest
from courier_schema.words import octets

_KINDS = {Place.LOCAL: "local", Place.HOSTED: "hosted", Place.REMOTE: "backup"}


def domain(host: CompiledHost, name: str, wanted: str) -> Iterator[Mismatch]:
    """What does not hold of a domain."""
    found = accepts(host, name)
    answer = host.place(name)
    kind = _KINDS[answer.place] if found.is_accepted else "refused"
    table = "locals" if answer.place is Place.LOCAL else "hosteddomains.dat"
    placed = host.why(table, answer.found) if answer.found else None
    yield from compare(wanted, kind, "kind", accepted_why(host, found) or placed)


def route(host: CompiledHost, name: str, test: RouteTest) -> Iterator[Mismatch]:
    """What does not hold of the way out."""
    destination = normal_form(test.domain or name)
    answer = host.place(destination)
    if answer.place is not Place.REMOTE:
        table = "locals" if answer.place is Place.LOCAL else "hosteddomains.dat"
        why = host.why(table, answer.found or "")
        yield Mismatch("mail to leave", f"{destination} is {answer.place.value}", (why,) if why else ())
        return
    found = hop(host, destination)
    wanted = test.via.lower() if test.via else None
    yield from compare(wanted, found.relay.lower() or "its own mail servers", "via", found.why)
    yield from compare(test.direct, not found.relay, "direct:", found.why)
    yield from compare(test.port, found.port, "port", found.why)
    yield from compare(test.security, found.security or "none", "security", found.why)
    yield from compare(test.login, found.login or False, "login", found.why)


def mailbox(host: CompiledHost, name: str, test: MailboxTest) -> Iterator[Mismatch]:
    """What does not hold of an account."""
    login = canonical(host, test.account or name)
    account = host.account(login, "courier")
    why = host.why("userdb.dat", login)
    if account is None:
        yield Mismatch("an account", f"there is no account {login}")
        return
    given = (account.quota or b"").decode()
    wanted = octets(test.quota) if test.quota else test.quota
    yield from compare(wanted, _limit(given, "S"), "quota", why)
    yield from compare(test.messages, _limit(given, "C"), "messages", why)


def _limit(quota: str, letter: str) -> int | bool:
    """One limit of a quota as userdb spells it; False without."""
    found = re.search(rf"([0-9]+){letter}", quota)
    return int(found[1]) if found else False
