"""Expectations of messages: whom they reach, how they are refused, what logins may send as, and who gets notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from courier_compiler.expectations.values import Mismatch
from courier_compiler.tracing import connection, notices, session
from courier_compiler.tracing.host import CompiledHost
from courier_compiler.tracing.strangers import STRANGER
from courier_compiler.tracing.trace import trace
from courier_compiler.tracing.values import Delivery, Envelope, Kind, Reply, Stage, Trace, Why
from courier_compiler.tracing.walk import Walk
from courier_schema.legacy.formats.aliases.lookup import as_submitted
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.legacy.formats.hosted import Place
from courier_schema.site.tests import Client, LoginTest, MailTest, NoticeTest

NULL_SENDER: Final = "<>"
"""How a site spells the return address of bounces."""
SOMEBODY: Final = "somebody@stranger.test"
"""A sender and recipient of no domain that anybody has (RFC 2606)."""


def mail(host: CompiledHost, name: str, test: MailTest) -> Iterator[Mismatch]:
    """What does not hold of a message."""
    recipient = host_address(host, test.to or name)
    found = trace(host, envelope(host, test, test.sender, recipient))
    if test.refused is not None:
        yield from _refused(found, test.refused)
    elif test.delivered is not None:
        if found.is_accepted is not test.delivered:
            yield _mismatch(found, "delivery" if test.delivered else "refusal")
    else:
        yield from _reached(host, found, [test.reaches] if isinstance(test.reaches, str) else test.reaches or [])


def host_address(host: CompiledHost, address: str) -> str:
    """An address with a domain: the default one where it has none."""
    return address if "@" in address else f"{address}@{host.locality.default_domain}"


def envelope(host: CompiledHost, client: Client, sender: str | None, recipient: str) -> Envelope:
    """The envelope that a test describes, with what it leaves out."""
    login = client.login
    if sender == NULL_SENDER:
        sender = ""
    elif sender is None:
        sender = host_address(host, login) if login else SOMEBODY
    encrypted = client.tls if client.tls is not None else login is not None
    service = client.listener or ("submission" if login else "smtp")
    return Envelope(sender, recipient, client.client or STRANGER, login, encrypted, service)


def _refused(found: Trace, wanted: int | str) -> Iterator[Mismatch]:
    if isinstance(wanted, int):
        if found.is_accepted or found.reply.code != wanted:
            yield _mismatch(found, f"refusal with {wanted}")
    elif found.is_accepted or wanted.lower() not in str(found.reply).lower():
        yield _mismatch(found, f"refusal with {wanted!r}")


def _reached(host: CompiledHost, found: Trace, wanted: list[str]) -> Iterator[Mismatch]:
    expected = {canonical(host, word) for word in wanted}
    reached = set(map(_end, found.deliveries))
    if not found.is_accepted or expected != reached:
        yield _mismatch(found, f"it to reach {_listed(expected)}")


def canonical(host: CompiledHost, word: str) -> str:
    """An end as traces name it: the login of an account, an address elsewhere, a program, or a path."""
    if word.startswith(("|", "/", "./")):
        return f"|{word[1:].strip()}" if word.startswith("|") else word
    local_part, at, domain = word.rpartition("@")
    if not at or "!" in word:
        return word if "!" in word else as_submitted(word, host.locality)
    answer = host.place(domain)
    folded = as_submitted(f"{local_part}@{normal_form(domain)}", host.locality)
    if answer.place is Place.REMOTE:
        return folded
    name = folded.rpartition("@")[0]
    return name if answer.place is Place.LOCAL else f"{name}@{answer.domain}"


def _end(delivery: Delivery) -> str:
    return f"a bounce about {delivery.target}" if delivery.kind is Kind.BOUNCE else str(delivery)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nobody"


def _mismatch(found: Trace, expected: str) -> Mismatch:
    """What was expected of a message, what became of it, and by which lines."""
    if found.is_accepted:
        became = f"it reaches {_listed(map(_end, found.deliveries))}"
    else:
        became = f"it is refused: {found.reply}"
    aliases = tuple(found.decisions(Stage.ALIAS)) if found.is_accepted else ()
    last = (found.decided_by,) if found.decided_by else ()
    return Mismatch(expected, became, aliases or last, found.assumed)


def login(host: CompiledHost, name: str, test: LoginTest) -> Iterator[Mismatch]:
    """What does not hold of somebody's return addresses."""
    who = test.login or name
    for addresses, wanted in ((test.sends_as, True), (test.not_as, False)):
        for address in [addresses] if isinstance(addresses, str) else addresses:
            found = trace(host, Envelope(host_address(host, address), SOMEBODY, STRANGER, who, True, test.listener))
            if found.is_accepted is not wanted:
                yield _mismatch(found, f"mail from {address} to be {'taken' if wanted else 'refused'}")


def notice(host: CompiledHost, name: str, test: NoticeTest) -> Iterator[Mismatch]:
    """What does not hold of a notice about a message."""
    sender = name if test.sender is None else test.sender
    walk = Walk(host, envelope(host, test, sender, SOMEBODY))
    variables = connection.admit(walk)
    if not isinstance(variables, Reply):
        variables = session.authenticate(walk, variables)
    if isinstance(variables, Reply):
        yield Mismatch("a message", f"there is none: {variables}", _last(walk))
        return
    found = notices.notice(walk, variables)
    told = False if found.dropped else canonical(host, found.address)
    wanted = canonical(host, test.told) if test.told else False
    if told != wanted:
        expected = f"{test.told} to be told" if test.told else "nobody to be told"
        became = f"{found.address} is told" if told else f"notices to {found.address} are dropped"
        yield Mismatch(expected, became, (found.why,) if found.why else ())


def _last(walk: Walk) -> tuple[Why, ...]:
    reasons = [step.why for step in walk.steps if step.why]
    return tuple(reasons[-1:])
