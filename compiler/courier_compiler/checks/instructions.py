"""Mistakes in addresses that are no aliases, and lead to nobody: of instructions, lists and notices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import names, protocol_names
from courier_compiler.checks._site import decided, knows_all_accounts, shown
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath

_FORWARDS: Final = "&!"
_NO_ADDRESS: Final = "|./#"
"""Beginnings of instructions that are programs, mailboxes and comments."""


def _dead_ends(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not knows_all_accounts(resolved):
        return
    known = names(resolved)
    _, local = protocol_names(resolved).get("local", ((), known))  # such mail is sent on this host
    for path, recipient in _addresses(resolved):
        target = known.domains.canonical(recipient)
        if target is None or "!" in target or "%" in target:
            continue
        if not known.is_known(target) and target not in local.entries:
            yield Finding(
                path,
                f"{shown(path)} leads to {recipient}, which is neither an account nor an alias",
                f"correct the name, or add the account {recipient}",
            )


def _addresses(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    """Addresses to which mail is sent on, with their places."""
    lists = resolved.site.mailing_lists
    for name, listed in lists.lists.items() if lists is not None else ():
        yield ("mailing_lists", "lists", name, "owner"), listed.owner
    recipient, path = decided(resolved, "faxnotifyrc", "rcptto")
    if recipient:
        yield path, str(recipient)
    for name, said in resolved.site.delivery.dotfiles.items():
        yield from ((("delivery", "dotfiles", name), to) for to in _forwards(said.lines))
    instructions, path = decided(resolved, "courierd", "defaultdelivery")
    yield from ((path, to) for to in _forwards(str(instructions or "")))


def _forwards(instructions: str) -> Iterator[str]:
    """The addresses among delivery instructions."""
    for line in map(str.strip, instructions.splitlines()):
        if line and line[0] not in _NO_ADDRESS:
            words = line[1:].split(",") if line[0] in _FORWARDS else [line]
            yield from (word.strip() for word in words if word.strip())


CHECKS: Final = (
    Check(
        "address-dead-end",
        "Instructions for mail to a name that does not exist",
        "The owner of a mailing list, the recipient of notices about faxes, or an address in delivery instructions has "
        "no domain, or one of this server's, but no account, alias or instruction file has that name. What is sent "
        "there bounces, and often nobody reads these bounces. The check is made only where all accounts are in the "
        "site.",
        _dead_ends,
        Severity.WARNING,
    ),
)
