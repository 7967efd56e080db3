"""Mistakes about logging in: without encryption, without a way to do it, or with methods nobody can use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import (
    FILES,
    TLS_FROM_START,
    backends,
    decided,
    in_force,
    knows_all_accounts,
    listeners,
    mailbox_listeners,
    said_at,
    several,
    shown,
    smtp_listeners,
    sockets_of,
    value_in_force,
)
from courier_compiler.host import HostView
from courier_compiler.parts.backends import DESCRIBED, OWN, SQL_PREFIXES, module_of, ordered_backends
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath

_CLEAR: Final = {
    "smtp": "esmtpauth", "submission": "esmtpauth", "imap": "imap_capability", "pop3": "pop3auth",
}  # fmt: skip
_TLS: Final = {
    "smtp": "esmtpauth_tls", "submission": "esmtpauth_tls", "smtps": "esmtpauth_tls",
    "imap": "imap_capability_tls", "imaps": "imap_capability_tls", "pop3": "pop3auth_tls", "pop3s": "pop3auth_tls",
}  # fmt: skip
_METHOD_FILES: Final = {**FILES, "imaps": "imapd", "pop3s": "pop3d"}
_REQUIRED: Final = {
    "smtp": ("esmtpd", "esmtp_tls_required"), "submission": ("esmtpd-msa", "esmtp_tls_required"),
    "imap": ("imapd-ssl", "imap_tls_required"), "pop3": ("pop3d-ssl", "pop3_tls_required"),
}  # fmt: skip
_PASSWORDS: Final = frozenset({"PLAIN", "LOGIN"})
_SQL: Final = ("mysql", "postgresql", "sqlite")
_LOGS_PASSWORDS: Final = "2"


def _methods(resolved: ResolvedSite, name: str, attributes: dict[str, str]) -> tuple[frozenset[str], SitePath]:
    """SASL methods that a listener offers, and where they are said."""
    if name not in attributes:
        return frozenset(), ()
    found = in_force(resolved, _METHOD_FILES[name], attributes[name])
    if found is None or not isinstance(found[0], tuple):
        return frozenset(), ()
    words = (str(word) for word in found[0])
    return frozenset(word.removeprefix("AUTH=") for word in words), found[1]


def _requires_tls(resolved: ResolvedSite, name: str) -> bool:
    file, attribute = _REQUIRED[name]
    return bool(value_in_force(resolved, file, attribute))


def _in_clear(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name in listeners(resolved).keys() & _CLEAR.keys():
        offered, path = _methods(resolved, name, _CLEAR)
        risky = sorted(offered & _PASSWORDS)
        if risky and path and not _requires_tls(resolved, name):
            yield Finding(
                path,
                f"{name} offers {several(risky)} without encryption, so passwords cross the network in clear text",
                f"move {'them' if len(risky) > 1 else 'it'} to auth_tls, or set require_tls: true",
            )


def _mailbox_in_clear(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, listener in mailbox_listeners(resolved):
        if name in TLS_FROM_START or _requires_tls(resolved, name) or _is_private(resolved, name):
            continue
        path: SitePath = ("listeners", name) if listener.require_tls is None else ("listeners", name, "require_tls")
        decider = decided(resolved, *_REQUIRED[name])[1]
        yield Finding(
            decider if decider[:1] == ("settings",) else path,
            f"{name} takes passwords before STARTTLS",
            f"set require_tls: true for {name}, which needs a certificate, or offer {name}s alone",
        )


def _is_private(resolved: ResolvedSite, name: str) -> bool:
    """Whether a service can be reached from this machine only."""
    addresses = [socket.address for socket in sockets_of(resolved, name)]
    return bool(addresses) and all(at == "::1" or at.startswith("127.") for at in addresses)


def _submission_open(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name in ("submission", "smtps"):
        found = in_force(resolved, FILES[name], "auth_required") if name in listeners(resolved) else None
        if found is not None and not found[0]:
            yield Finding(
                found[1] or ("listeners", name),
                f"{name} takes mail without a login",
                f"remove require_auth: false from listeners.{name}",
            )


def _impossible(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, _ in smtp_listeners(resolved):
        if not value_in_force(resolved, FILES[name], "auth_required"):
            continue
        clear, tls = _methods(resolved, name, _CLEAR), _methods(resolved, name, _TLS)
        if not clear[0] and not tls[0]:
            yield Finding(
                tls[1] or clear[1] or ("listeners", name),
                f"{name} wants a login and offers no way to log in",
                "add auth_tls: [PLAIN, LOGIN]",
            )


def _challenges(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """Challenge methods that no back-end can answer."""
    unable = [name for name in backends(resolved) if not _knows_secrets(resolved, name)]
    if not backends(resolved) or len(unable) < len(backends(resolved)):
        return
    for path, methods, name in _offered_challenges(resolved):
        yield Finding(
            path,
            f"{name} offers {several(methods)}, but {several(unable)} can check whole passwords only",
            "offer PLAIN and LOGIN under TLS instead, or store what challenges need",
        )


def _offered_challenges(resolved: ResolvedSite) -> Iterator[tuple[SitePath, list[str], str]]:
    for name in listeners(resolved):
        for attributes in (_CLEAR, _TLS):
            offered, path = _methods(resolved, name, attributes)
            challenges = sorted(word for word in offered if word.startswith("CRAM-"))
            if challenges and path:
                yield path, challenges, name


def _knows_secrets(resolved: ResolvedSite, name: str) -> bool:
    """Whether a back-end can answer a challenge for at least one account."""
    if name == OWN:
        return any(mailbox.account.cram for mailbox in resolved.mailboxes)
    if name == "ldap":
        binds = value_in_force(resolved, "authldaprc", "ldap_authbind")
        return not binds and bool(decided(resolved, "authldaprc", "ldap_clearpw")[0])
    if name in _SQL:
        file, prefix = DESCRIBED[name], SQL_PREFIXES[name]
        rows = (f"{prefix}_clear_pwfield", f"{prefix}_select_clause")
        return any(decided(resolved, file, row)[0] for row in rows)
    return name in ("pipe", "custom")


def _some_without_challenge(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not knows_all_accounts(resolved):
        return
    offered = next(_offered_challenges(resolved), None)
    lacking = [mailbox.login for mailbox in resolved.mailboxes if not mailbox.account.cram]
    if offered is not None and lacking and len(lacking) < len(resolved.mailboxes):
        path, methods, name = offered
        yield Finding(
            path,
            f"{name} offers {several(methods)}, but there is no secret for {several(lacking)}",
            "set cram: true for these accounts, or offer PLAIN and LOGIN under TLS only",
        )


def _accounts_unseen(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    order, path = ordered_backends(resolved)
    if path and OWN not in order and resolved.mailboxes:
        yield Finding(
            path,
            f"the accounts of this site, {several(mailbox.login for mailbox in resolved.mailboxes)}, are never looked "
            "up",
            f"add {_called(OWN, path)} to {shown(path)}",
        )


def _called(name: str, order: SitePath) -> str:
    """A back-end as the list that stands at a place spells it."""
    return module_of(name) if order[0] == "settings" else name


def _undescribed(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    order, path = ordered_backends(resolved)
    for position, name in enumerate(order):
        if name in DESCRIBED and not _is_described(resolved, name):
            yield Finding(
                (*path, position) if isinstance(said_at(resolved, path), list) else path,
                f"{name} is to be asked for accounts, but nothing says how",
                f"add {name}: to auth, or take it out of the order",
            )


def _is_described(resolved: ResolvedSite, name: str) -> bool:
    """Whether the site says how a back-end is asked: in its section, in its settings, or by a file of its own."""
    file = DESCRIBED[name]
    carried = any(said.rpartition("/")[2] == file for said in resolved.site.files)
    return getattr(resolved.site.auth, name) is not None or file in resolved.settings or carried


def _unasked(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    order, path = ordered_backends(resolved)
    for name in DESCRIBED:
        if getattr(resolved.site.auth, name) is not None and name not in order:
            yield Finding(
                ("auth", name),
                f"{name} is described but never asked: {shown(path)} does not name it",
                f"add {_called(name, path)} to {shown(path)}, or remove auth.{name}",
            )


def _logs_passwords(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    found = in_force(resolved, "authdaemonrc", "debug_login")
    if found is not None and str(found[0]) == _LOGS_PASSWORDS:
        yield Finding(
            found[1] or ("auth", "debug"),
            "every password that is tried is written to the log in clear text",
            "write auth.debug: 1 to log the steps without passwords, and 0 when the trouble is found",
        )


CHECKS: Final = (
    Check(
        "login-in-clear",
        "Passwords without encryption",
        "PLAIN and LOGIN send the password itself. Offered before TLS, they let everybody on the way between client "
        "and server read it, and most people use it elsewhere, too. Under TLS they are the methods that every client "
        "can use.",
        _in_clear,
        Severity.WARNING,
    ),
    Check(
        "mailbox-login-in-clear",
        "A mailbox service that takes passwords before TLS",
        "IMAP and POP3 have commands for logging in with a password that need no SASL method, so they work on every "
        "connection. Unless TLS is required first, a client with a wrong setting sends its password in clear text "
        "and nobody notices.",
        _mailbox_in_clear,
        Severity.NOTE,
    ),
    Check(
        "submission-without-login",
        "A submission service without login",
        "The submission service is for the site's own people, who log in (RFC 6409, section 4.3). Without that it is "
        "a second port 25, which takes mail for this site from anybody and passes by what guards the first.",
        _submission_open,
        Severity.WARNING,
    ),
    Check(
        "login-impossible",
        "A required login without a method",
        "The service refuses every command but logging in, and offers no method for it. Nobody can send mail "
        "through it.",
        _impossible,
    ),
    Check(
        "challenge-without-secret",
        "Challenge methods that no account can answer",
        "CRAM methods never send the password: both sides compute with it, so the server must know it in clear or as "
        "a prepared secret. PAM, hashed passwords and directories that check by binding cannot do that. Clients "
        "prefer CRAM when it is offered, and every login fails although the password is right.",
        _challenges,
        Severity.WARNING,
    ),
    Check(
        "challenge-for-some",
        "Challenge methods that some accounts cannot answer",
        "Clients prefer CRAM methods when they are offered. Accounts without a stored secret cannot log in with "
        "them, and their owners see a wrong password.",
        _some_without_challenge,
        Severity.WARNING,
    ),
    Check(
        "accounts-never-asked",
        "Accounts that are never looked up",
        "Accounts of a site are kept in the database that the back-end userdb reads. An order of back-ends without "
        "it leaves them unknown: their mail is refused and their owners cannot log in.",
        _accounts_unseen,
    ),
    Check(
        "backend-undescribed",
        "A back-end without a description",
        "The back-end is asked, but its server, table or program is not said, so it would work with what the "
        "distribution ships as an example. Each look-up then ends in a temporary failure, and with it the search: "
        "back-ends behind it are not asked any more.",
        _undescribed,
    ),
    Check(
        "backend-never-asked",
        "A back-end that is described but not asked",
        "auth.order lists the back-ends that are asked, and this one is not among them. Its accounts do not exist "
        "for Courier.",
        _unasked,
        Severity.WARNING,
    ),
    Check(
        "passwords-logged",
        "Passwords in the log",
        "At this level of detail the authentication daemon writes each password that is tried into the system's log, "
        "which is copied, kept and read by many. It is of use while one login is examined, and for no longer.",
        _logs_passwords,
        Severity.WARNING,
    ),
)
