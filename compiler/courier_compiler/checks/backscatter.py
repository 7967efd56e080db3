"""Mistakes about bounces: the three places that decide about them, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import backends, in_force, several
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath

_SECTION: Final[SitePath] = ("backscatter",)
_STRANGERS: Final = "smtp"
_USERS: Final = "authsmtp"
_BARE: Final = ("pam", "pwd", "shadow")
"""Back-ends whose logins are names without a domain."""


def _discarded(resolved: ResolvedSite) -> tuple[frozenset[str], SitePath]:
    """Sources whose bounces are not sent, and where that is said."""
    found = in_force(resolved, "courierd", "esmtp_blockbackscatter")
    words = found[0] if found is not None and isinstance(found[0], tuple) else ()
    return frozenset(str(word).partition("/")[0] for word in words), (found[1] if found is not None else ())


def _suppressed(resolved: ResolvedSite) -> tuple[frozenset[str], SitePath]:
    """Sources whose mail is refused for addresses that lately failed, and where that is said."""
    found = in_force(resolved, "bofh", "bofhsuppressbackscatter")
    words = found[0] if found is not None and isinstance(found[0], tuple) else ()
    return frozenset(map(str, words)), (found[1] if found is not None else ())


def _to_login(resolved: ResolvedSite) -> tuple[bool, SitePath]:
    """Whether bounces go to the login; leaving the setting out is as good as saying yes."""
    found = in_force(resolved, "courierd", "dsntoauthaddr")
    return (found is not None and found[0] is not False), (found[1] if found is not None else ())


def _sent(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    discarded, path = _discarded(resolved)
    if path and _STRANGERS not in discarded:
        yield Finding(
            path,
            "bounces of mail from strangers are sent to the return address, which spam forges",
            "add smtp to backscatter.discard_bounces",
        )


def _not_suppressed(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    suppressed, path = _suppressed(resolved)
    if path and _STRANGERS not in suppressed:
        discarded, _ = _discarded(resolved)
        lost = " and its bounces are dropped, so nobody learns of it" if _STRANGERS in discarded else ""
        yield Finding(
            path,
            f"mail from strangers is taken for mailboxes that cannot be delivered to{lost}",
            "add smtp to backscatter.refuse_failing once the server works",
        )


def _own_dropped(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    discarded, path = _discarded(resolved)
    if _USERS in discarded:
        yield Finding(
            path or _SECTION,
            "people who send through this server do not learn when their mail to others fails",
            "write discard_bounces: [smtp], and bounce_to_login: true against stolen passwords",
        )


def _both(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    discarded, _ = _discarded(resolved)
    redirected, path = _to_login(resolved)
    if redirected and path and _USERS in discarded:
        yield Finding(
            path,
            "bounces of logged-in senders are to go to their login, but are dropped before they leave for elsewhere",
            "remove authsmtp from discard_bounces",
        )


def _to_bare_login(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    redirected, path = _to_login(resolved)
    if not redirected or not path:
        return
    bare = [mailbox.login for mailbox in resolved.mailboxes if "@" not in mailbox.login]
    system = [name for name in backends(resolved) if name in _BARE]
    if bare or system:
        who = several(bare) if bare else f"those of {several(system)}"
        yield Finding(
            path,
            f"bounces are to go to the login, but some logins are no addresses: {who}",
            "give the accounts a hosted domain (kind: hosted), or remove bounce_to_login",
        )


CHECKS: Final = (
    Check(
        "backscatter-sent",
        "Bounces to forged senders",
        "Most unwanted mail has a forged return address. A server that takes such mail and bounces it later sends "
        "its notice to somebody who has nothing to do with it, and is listed as a source of spam. By default Courier "
        "drops bounces of mail from strangers instead of sending them to other servers.",
        _sent,
        Severity.WARNING,
    ),
    Check(
        "backscatter-not-suppressed",
        "Mail is taken for mailboxes that fail",
        "After a delivery has failed, Courier refuses further mail for that address for two hours, while the sender "
        "is still connected and hears of it. Without that the mail is taken, fails, and its bounce is dropped or goes "
        "to a forged address. Switching it off helps while a new server is tried out.",
        _not_suppressed,
        Severity.NOTE,
    ),
    Check(
        "backscatter-drops-own",
        "Senders of this site get no bounces",
        "With authsmtp among the discarded sources, notices about mail of logged-in people and trusted networks are "
        "dropped when they would leave for another server: failures, delays and receipts alike. Notices to "
        "mailboxes on this server are still delivered.",
        _own_dropped,
        Severity.WARNING,
    ),
    Check(
        "backscatter-contradiction",
        "Bounces that are redirected and dropped",
        "Two settings decide about bounces of logged-in senders: one sends them to the login, the other drops them "
        "when they would leave this server. Where both are on, a login that lives on another server gets nothing.",
        _both,
        Severity.WARNING,
    ),
    Check(
        "bounce-to-bare-login",
        "Bounces to logins that are no addresses",
        "Sending bounces to the login works where a login is the full address of the mailbox. A login without a "
        "domain is completed with the default domain, and the bounce may reach nobody, or somebody else.",
        _to_bare_login,
        Severity.WARNING,
    ),
)
