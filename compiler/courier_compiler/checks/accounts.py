"""Mistakes in accounts: owners, homes and logins that do not work, and passwords that are weak."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import host_names
from courier_compiler.checks._site import FILES, backends, mailbox_listeners, passwords, value_in_force
from courier_compiler.host import HostView
from courier_compiler.parts.account_fields import account_fields
from courier_compiler.parts.catchall import CatchAll, hosted_catch_alls
from courier_compiler.resolved import Mailbox, ResolvedSite
from courier_schema.report import Severity, SitePath

_SCHEMES: Final = ("MD5", "MD5RAW", "SHA", "SSHA", "SHA256", "SHA512", "CRYPT")
_WEAK: Final = ("{MD5}", "{MD5RAW}", "{SHA}", "$1$", "{CRYPT}$1$")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_BAR: Final = "|"
_PLACEHOLDERS: Final = ("user", "domain", "address")
_PROXIES: Final = {"imap": "imap_proxy", "pop3": "pop3_proxy"}


def _ownerless(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for mailbox in resolved.mailboxes:
        lacking = [name for name, value in (("uid", mailbox.uid), ("gid", mailbox.gid)) if value is None]
        if lacking:
            yield Finding(
                mailbox.path,
                f"the account {mailbox.login} has no {' and no '.join(lacking)}",
                f"add account_defaults: {{uid: 5000, gid: 5000}} with the owner of all mailboxes, or "
                f"{' and '.join(lacking)} to the account",
            )

    defaults = resolved.site.account_defaults
    lacking = [name for name in ("uid", "gid") if getattr(defaults, name) is None]
    for found in _catch_alls(resolved) if lacking else ():
        yield Finding(
            found.path,
            f"the catch-all of {found.domain} has no {' and no '.join(lacking)}",
            "add account_defaults: {uid: 5000, gid: 5000} with the owner of all mailboxes",
        )


def _catch_alls(resolved: ResolvedSite) -> Iterator[CatchAll]:
    """Those that are accounts."""
    return hosted_catch_alls(host_names(resolved), resolved.profile.layout.sysconfdir)


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    fold = resolved.folds_case
    seen: dict[str, Mailbox] = {}
    for mailbox in resolved.mailboxes:
        first = seen.setdefault(mailbox.login.lower() if fold else mailbox.login, mailbox)
        if first is not mailbox:
            yield Finding(
                mailbox.path,
                f"there are two accounts {mailbox.login}, here and in {_place(first)}",
                "remove one of them, or make its domain a hosted domain (kind: hosted)",
            )
    for found in _catch_alls(resolved):
        if found.login in seen:
            yield Finding(
                found.path,
                f"the catch-all of {found.domain} is the account {found.login}, which the site has already",
                "rename that account",
            )


def _unfit_texts(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    defaults = resolved.site.account_defaults
    for mailbox in resolved.mailboxes:
        if any(_BAR in text for _, text in account_fields(mailbox, defaults)):
            yield Finding(
                mailbox.path,
                f"a text of the account {mailbox.login} contains a bar, which separates the fields of an account",
                "remove the bar",
            )


def _place(mailbox: Mailbox) -> str:
    return mailbox.domain if mailbox.domain is not None else "accounts"


def _upper_case(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not resolved.folds_case:
        return
    for mailbox in resolved.mailboxes:
        if mailbox.user != mailbox.user.lower():
            yield Finding(
                mailbox.path,
                f"no mail reaches {mailbox.login}: addresses are looked up in lower case",
                f"write {mailbox.user.lower()}, or set host.fold_case: false",
            )


def _shared_home(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """One mailbox of two accounts; what the template alone brings about is the template's mistake."""
    template = resolved.site.account_defaults.home
    varied = "{address}" in template or "{user}" in template
    seen: dict[tuple[str, str], Mailbox] = {}
    for mailbox in resolved.mailboxes:
        if mailbox.account.home is None and not varied:
            continue
        first = seen.setdefault((mailbox.home.rstrip("/"), mailbox.maildir or ""), mailbox)
        if first is not mailbox and first.login != mailbox.login:
            yield Finding(
                (*mailbox.path, "home") if mailbox.account.home is not None else mailbox.path,
                f"{mailbox.login} and {first.login} have the same mailbox in {mailbox.home}",
                "give each a home of its own, or a maildir of its own in the common home",
            )


def _same_home(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    template = resolved.site.account_defaults.home
    relying = [mailbox for mailbox in resolved.mailboxes if mailbox.account.home is None]
    if len(relying) > 1 and "{address}" not in template and "{user}" not in template:
        yield Finding(
            ("account_defaults", "home"),
            f"{len(relying)} accounts without a home of their own get the same one, {template}",
            "add {user} and {domain}, as in /srv/mail/{domain}/{user}",
        )


def _placeholders(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name in _PLACEHOLDER.findall(resolved.site.account_defaults.home):
        if name not in _PLACEHOLDERS:
            yield Finding(
                ("account_defaults", "home"),
                f"{{{name}}} is not replaced by anything",
                "write {user}, {domain} or {address}",
            )


def _odd_names(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for mailbox in resolved.mailboxes:
        if mailbox.user[0] == "-" or not mailbox.user.strip("."):
            yield Finding(
                mailbox.path,
                f"{mailbox.user} cannot be the name of an account: programs take it for "
                f"{'an option' if mailbox.user[0] == '-' else 'a directory'}",
                "begin the name with a letter or a digit",
            )


def _unaddressable(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for mailbox in resolved.mailboxes:
        if mailbox.user[0] == "." and mailbox.user.strip("."):
            reason = "an address cannot begin with a dot"
        elif "!" in mailbox.user:
            reason = "an exclamation mark makes an address a UUCP path"
        else:
            continue
        yield Finding(
            mailbox.path,
            f"no mail reaches {mailbox.login}: {reason}",
            "give the account another name",
        )


def _homes_upwards(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    template = resolved.site.account_defaults.home
    if ".." in template.split("/"):
        yield _upwards(("account_defaults", "home"), template)
    for mailbox in resolved.mailboxes:
        home = mailbox.account.home
        if home is not None and ".." in home and ".." in home.split("/"):
            yield _upwards((*mailbox.path, "home"), home)


def _upwards(path: SitePath, home: str) -> Finding:
    return Finding(path, f"the home {home} leads upwards", "write the directory that is meant")


def _weak_hash(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, password in passwords(resolved):
        found = next((weak for weak in _WEAK if (password.hash or "").upper().startswith(weak)), None)
        if found is not None:
            yield Finding(
                path,
                f"the password is hashed with {found}, which is guessed quickly once the hash is known",
                "hash it anew, for instance with mkpasswd -m sha512crypt",
            )


def _unknown_hash(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, password in passwords(resolved):
        said = password.hash or ""
        scheme = said[1 : said.find("}")].upper() if said.startswith("{") else "CRYPT"
        if scheme not in _SCHEMES:
            yield Finding(
                path,
                f"Courier knows no password scheme {{{scheme}}}, and no password would ever match",
                f"write {{CRYPT}} in front of a hash of the system, or use one of {', '.join(_SCHEMES)}",
            )


def _challenge_of_hash(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for mailbox in resolved.mailboxes:
        account = mailbox.account
        said = filter(None, (account.password, *account.passwords.values()))
        if account.cram and any(password.hash is not None for password in said):
            yield Finding(
                (*mailbox.path, "cram"),
                f"the secrets for CRAM methods cannot be made from the hash of {mailbox.login}",
                "give the password as a secret: {from_file: secrets/name}, or remove cram",
            )


def _no_password(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if backends(resolved) != ("userdb",):
        return
    for mailbox in resolved.mailboxes:
        account = mailbox.account
        if account.password is None and not account.passwords and not account.forward:
            yield Finding(
                mailbox.path,
                f"nobody can log in as {mailbox.login}, which has no password",
                "add password:, or forward: if its mail is to go elsewhere",
            )


def _mailhost(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    served = dict(mailbox_listeners(resolved))
    if not served or any(_hands_on(resolved, name) for name in served):
        return
    for mailbox in resolved.mailboxes:
        options = mailbox.account.options
        if options is not None and options.mailhost is not None:
            yield Finding(
                (*mailbox.path, "options", "mailhost"),
                f"{mailbox.login} is kept on {options.mailhost}, but no service hands sessions on",
                f"add proxy: true to listeners.{next(iter(served))}",
            )


def _hands_on(resolved: ResolvedSite, name: str) -> bool:
    """Whether a mailbox service passes sessions on to the servers of their accounts."""
    return bool(value_in_force(resolved, FILES[name], _PROXIES[name[:4]]))


CHECKS: Final = (
    Check(
        "account-without-owner",
        "An account without an owner",
        "Mail is delivered and read with the rights of a system user, which uid and gid name. Courier treats an "
        "account without them as one that is out of order for the moment, so its mail waits until it expires.",
        _ownerless,
    ),
    Check(
        "account-twice",
        "Two accounts with one login",
        "Accounts of local domains have logins without a domain, and all local domains share them. The database can "
        "hold each login once, so Courier's own tool would refuse to build it, and the owner of one of the two would "
        "read the other's mail.",
        _twice,
    ),
    Check(
        "account-text",
        "A text that an account cannot hold",
        "Fields of an account are separated by bars, so a bar within one of them would end it. What follows would be "
        "read as another field.",
        _unfit_texts,
    ),
    Check(
        "account-upper-case",
        "An account in upper case",
        "While host.fold_case is on, the local part of an address is put into lower case before the account is looked "
        "up, and the look-up is exact. The owner can log in, but every mail is refused as for an unknown user.",
        _upper_case,
    ),
    Check(
        "account-same-mailbox",
        "Two accounts with one mailbox",
        "Both accounts have the same home and the same maildir in it. Each reads, moves and deletes the other's mail.",
        _shared_home,
        Severity.WARNING,
    ),
    Check(
        "account-home-constant",
        "A template that gives every account the same home",
        "account_defaults.home is the pattern of home directories. Without {user} or {address} in it all accounts "
        "share one mailbox.",
        _same_home,
    ),
    Check(
        "account-home-placeholder",
        "An unknown word in the template of homes",
        "Only {user}, {domain} and {address} are replaced. Anything else in braces would stay as it is, and become a "
        "directory of that name.",
        _placeholders,
    ),
    Check(
        "account-name",
        "An account with the name of a directory or an option",
        "Names become directories in homes and arguments of programs. A name of dots is the directory itself or the "
        "one above, where the mail of others lies, and a name that begins with a dash is read as an option. It also "
        "cannot be told from an empty account with an extension.",
        _odd_names,
    ),
    Check(
        "account-unaddressable",
        "An account that no address can name",
        "Courier reads an address before it looks for an account. A dot at the beginning is no address for it (nor for "
        "RFC 5321, section 4.1.2), and an exclamation mark makes a UUCP path, in quotes or without. Mail for such an "
        "account is refused as for an unknown user, although the owner can log in.",
        _unaddressable,
    ),
    Check(
        "account-home-upwards",
        "A home that leads upwards",
        "Two dots in a home lead out of the directory before it, so the mailbox lies somewhere else than it seems to, "
        "perhaps in that of another account. Delivery runs with the rights of the account's owner there.",
        _homes_upwards,
    ),
    Check(
        "password-weak-hash",
        "A weak password hash",
        "Hashes without salt, and those of MD5, can be computed billions of times a second. Whoever gets hold of the "
        "database finds most of the passwords within hours.",
        _weak_hash,
        Severity.WARNING,
    ),
    Check(
        "password-unknown-hash",
        "A password scheme that Courier does not know",
        "A word in braces in front of a hash names its scheme. One that Courier does not know is taken for a hash of "
        "the system's own crypt function, which it is not, so that no password matches.",
        _unknown_hash,
    ),
    Check(
        "cram-needs-password",
        "CRAM secrets from a hash",
        "For CRAM methods the server stores a value that is computed from the clear password. A hash does not lead "
        "back to it.",
        _challenge_of_hash,
    ),
    Check(
        "account-without-password",
        "An account that nobody can log in to",
        "Mail is delivered to the account, but without a password nobody can read it by IMAP, POP3 or webmail. That "
        "is fine for a mailbox that programs read on the host.",
        _no_password,
        Severity.NOTE,
    ),
    Check(
        "mailhost-without-proxy",
        "An account on another server, and no proxy",
        "The option mailhost names the server that holds the mailbox, for the IMAP and POP3 services to pass the "
        "session on. Without proxy it is ignored, and the owner finds an empty mailbox here.",
        _mailhost,
        Severity.WARNING,
    ),
)
