"""Mistakes in files that are carried as they are, where a section of the site makes files of that name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.table import rows_by_name
from courier_schema.legacy.tables import FILES, table
from courier_schema.report import Severity

_ACCOUNTS: Final = "accounts"
_SOURCES: Final = {
    "aliases": "aliases", "aliases-esmtp": "protocol_aliases", "aliases-local": "protocol_aliases",
    "aliases-uucp": "protocol_aliases", "aliases-dsn": "protocol_aliases", "aliases-fax": "protocol_aliases",
    "smtpaccess": "access", "smtpaccess-msa": "submission_access",
    "imapaccess": "mailbox_access", "hosteddomains": "domains, as kind: hosted",
    "esmtpacceptmailfor.dir": "domains", "esmtpacceptmailfor": "domains",
    "esmtppercentrelay.dir": "percent_relay", "esmtppercentrelay": "percent_relay",
    "uucpneighbors": "uucp", "userdb": _ACCOUNTS, "userdbshadow": _ACCOUNTS,
}  # fmt: skip
"""Sources of databases, as directories, files and names of the databases, to the section behind them."""
_LISTS: Final = {
    "locals": "domains", "esmtproutes": "routes", "esmtpauthclient": "credentials", "bofh": "policy",
    "aliasdir": "delivery.dotfiles", "logindomainlist": "webmail",
}  # fmt: skip
"""Files and directories without a database that sections make, to the section."""
_DATABASE: Final = ".dat"
_AUTHENTICATION: Final = "authlib/"
"""Where builds that keep Courier and its authentication library in one directory have the accounts."""


def behind_database(name: str) -> str | None:
    """The section that describes a database or its sources."""
    first = name.removeprefix(_AUTHENTICATION).partition("/")[0]
    return _SOURCES.get(first.removesuffix(_DATABASE))


def _databases(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name in resolved.site.files:
        section = behind_database(name)
        # a table of accounts that the site cannot describe may be carried whole, where it describes none itself
        if section is not None and (section != _ACCOUNTS or resolved.mailboxes):
            yield Finding(
                ("files", name),
                f"{name} is behind a database, and nothing of it would be compiled or checked",
                f"say in {section} what the file says",
            )


def _sections(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    settings = resolved.settings
    control = settings["control"].table.said() if "control" in settings else {}
    for name in resolved.site.files:
        section = None if name in settings or name == "me" else _made_by(name)
        row = rows_by_name(table("control")).get(name)
        if section is not None and (row is None or row.attribute not in control):
            yield Finding(
                ("files", name),
                f"{name} is carried as it is, without the checks of a file that the site describes",
                f"say in {section} what the file says",
            )


def _made_by(name: str) -> str | None:
    """The section that could make a file that is no database."""
    first = name.partition("/")[0]
    if first in _LISTS:
        return _LISTS[first]
    if name in FILES:
        return f"settings, under {name}"
    return "settings, under control" if name in rows_by_name(table("control")) else None


CHECKS: Final = (
    Check(
        "file-of-database",
        "A literal file in the place of a database or its sources",
        "Databases are compiled from what the sections of the site say, and the sources are written for the tools "
        "that make them again. A file that is put among them takes part in no check, is not in the database, and "
        "comes into force unseen when somebody runs one of these tools. A database itself would replace the one that "
        "has been checked.",
        _databases,
    ),
    Check(
        "file-of-section",
        "A literal file that a section could make",
        "A section of the site describes what is in the file, and knows its syntax and its traps. As a literal file "
        "it is carried unread: checks, explanations and lookups do not see it.",
        _sections,
        Severity.WARNING,
    ),
)
