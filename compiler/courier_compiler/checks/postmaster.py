"""Mistakes about the one address that every mail server must have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import ROOT, host_names, names
from courier_compiler.checks._site import backends, knows_all_accounts, several
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath

_POSTMASTER: Final = "postmaster@"
_SYSTEM: Final = frozenset({"userdb", "pam", "pwd", "shadow"})
"""Back-ends that can be trusted not to know a postmaster of their own."""


def _missing(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if host_names(resolved).completes_elsewhere:
        return
    if names(resolved).is_known(_POSTMASTER) or not _SYSTEM.issuperset(backends(resolved)):
        return
    yield Finding(
        ("host",),
        "nobody gets mail for postmaster",
        "add postmaster: with an account or an outside address to host",
    )


def _root(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if ROOT in _ends(resolved).here:
        yield Finding(
            _place(resolved),
            "mail for postmaster goes to root, to whom Courier delivers nothing",
            "name an ordinary account, or an outside address",
        )


def _unreachable(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    if _POSTMASTER not in known.entries or not knows_all_accounts(resolved):
        return
    ends = _ends(resolved)
    if not ends.elsewhere and not any(end == ROOT or known.has_mailbox(end) for end in ends.here):
        to = several(end.removesuffix("@") for end in ends.here) or "aliases that lead back to postmaster"
        yield Finding(
            _place(resolved),
            f"mail for postmaster reaches nobody: it goes to {to}",
            "name an account that exists, or an outside address",
        )


@dataclass(slots=True)
class _Ends:
    """Where postmaster's mail finally goes."""

    here: dict[str, None] = field(default_factory=dict)
    """Canonical addresses of this server that are no aliases."""
    elsewhere: bool = False
    """Whether outside addresses, programs, mailboxes or included files are among them."""


def _ends(resolved: ResolvedSite) -> _Ends:
    known = names(resolved)
    ends = _Ends()
    seen: set[str] = set()
    waiting = [_POSTMASTER] if _POSTMASTER in known.entries else []
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for entry in known.aliases(name):
            ends.elsewhere |= bool(entry.programs or entry.mailboxes or entry.include)
            for recipient in entry.to:
                target = known.domains.canonical(recipient)
                if target is None:
                    ends.elsewhere = True
                elif target in known.entries and target != name:
                    waiting.append(target)
                else:
                    ends.here[target] = None
    return ends


def _place(resolved: ResolvedSite) -> SitePath:
    return names(resolved).entries[_POSTMASTER].path


CHECKS: Final = (
    Check(
        "postmaster-missing",
        "No postmaster",
        "Every server that takes mail must accept mail for postmaster and have somebody read it (RFC 5321, section "
        "4.5.1). Courier also sends there what it can send nowhere else, such as bounces that bounce. Without a "
        "postmaster these are lost.",
        _missing,
        Severity.WARNING,
    ),
    Check(
        "postmaster-root",
        "Root as postmaster",
        "Courier never delivers to root, because a delivery runs with the rights of the recipient. Mail for "
        "postmaster that ends at root would bounce, and the bounces of bounces that are meant for postmaster would "
        "be lost.",
        _root,
    ),
    Check(
        "postmaster-unreachable",
        "A postmaster whom no mail reaches",
        "The aliases behind postmaster lead back to postmaster, or to names that do not exist. Courier builds this "
        "without a word, and the mail that matters most is then lost.",
        _unreachable,
    ),
)
