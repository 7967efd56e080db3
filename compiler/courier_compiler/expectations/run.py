"""Run: every test of one host's site, in the order of the site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from courier_compiler.expectations import clients, mail, names
from courier_compiler.expectations.values import Mismatch, Outcome
from courier_compiler.tracing.host import CompiledHost

_Try = Callable[..., Iterator[Mismatch]]

_GROUPS: Final[dict[str, _Try]] = {
    "mail": mail.mail,
    "clients": clients.client,
    "listeners": clients.listener,
    "logins": mail.login,
    "domains": names.domain,
    "routes": names.route,
    "notices": mail.notice,
    "mailboxes": names.mailbox,
}
"""Part of the section `tests` to what tries one of its entries."""


def run(host: CompiledHost) -> Iterator[Outcome]:
    """The outcome of each test."""
    tests = host.resolved.site.tests
    for group, try_one in _GROUPS.items():
        for name, test in getattr(tests, group).items():
            path = ("tests", group, name)
            found = tuple(try_one(host, name, test))
            yield Outcome(group, name, path, host.resolved.mark(path), found, host.resolved.host or host.resolved.me)
