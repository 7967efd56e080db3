"""Places: where a site would say what it says no longer, so that a removal points at a line, too."""

from __future__ import annotations

import re
from typing import Final

from courier_schema.legacy.tables import FILES
from courier_schema.report import SitePath

_TABLES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"smtpaccess-msa[./].*"), "submission_access"),
    (re.compile(r"smtpaccess[./].*"), "access"),
    (re.compile(r"imapaccess[./].*"), "mailbox_access"),
    (re.compile(r"(locals|esmtpacceptmailfor|hosteddomains)\b.*"), "domains"),
    (re.compile(r"esmtpauthclient"), "credentials"),
    (re.compile(r"esmtppercentrelay.*"), "percent_relay"),
    (re.compile(r"uucpneighbors.*"), "uucp"),
    (re.compile(r"filters/active/.*"), "filters"),
    (re.compile(r"aliasdir/.*"), "delivery"),
    (re.compile(r"bofh"), "policy"),
)


def place_of(name: str, key: str, default_domain: str) -> SitePath:
    """The path of an entry of a file, as far as the names tell; a site need not have it.

    Names of the default domain are said without one.
    """
    if name in FILES:
        return ("settings", name, key)
    if name.startswith(("aliases", "userdb")):
        section = "aliases" if name.startswith("aliases") else "accounts"
        local, at, domain = key.rpartition("@")
        if at and domain != default_domain:
            return ("domains", domain, section, local)
        return (section, local or domain)
    if name == "esmtproutes":
        return ("routes", key) if key else ("smarthost",)
    for pattern, section in _TABLES:
        if pattern.fullmatch(name):
            return (section, key.removeprefix("."))
    return ("settings", "control", name)
