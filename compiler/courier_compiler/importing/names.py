"""Names: which files and directories of an old installation the import reads, so that a link in their place stands
for what it leads to. Other links are carried as links.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from courier_schema.legacy.table import rows_by_name
from courier_schema.legacy.tables import FILES
from courier_schema.legacy.tables.control import Control

TEXTS: Final = (
    "dsnheader.txt", "dsnfooter.txt", "dsndelayed.txt", "dsndelivered.txt", "dsnfailed.txt", "dsnrelayed.txt",
    "dsnsubjectwarn.txt", "dsnsubjectnotice.txt", "maildroprc", "quotawarnmsg", "shared/index", "faxcoverpage.tr",
    "esmtpgreeting",
)  # fmt: skip
LISTS: Final = ("maildirshared", "faxrc", "logindomainlist", "ldapaddressbook")
_DIRECTORIES: Final = ("aliasdir", "maildroprcs", "filters", "filters/active", "shared", "webadmin")
_TABLE: Final = re.compile(
    r"aliases(-\w+)?|hosteddomains|(esmtpacceptmailfor|esmtppercentrelay)(\.dir)?|smtpaccess(-msa)?|imapaccess"
    r"|uucpneighbors|userdb|userdbshadow|esmtproutes"
)
_TREE: Final = "userdb/"
"""The one source whose sub-directories are read, too."""
_FILES: Final = frozenset((*rows_by_name(Control), *FILES, *TEXTS, *LISTS, "bofh", "locals", "esmtpauthclient"))
_VIRTUAL_HOST: Final = "vhost."


def is_listed(name: str, tables: Collection[str]) -> bool:
    """Whether the files of a directory are read. `tables` are further sources of databases."""
    return name in _DIRECTORIES or name.startswith(_TREE) or _is_table(name, tables)


def is_read(name: str, tables: Collection[str], virtual_hosts: Collection[str]) -> bool:
    """Whether the content of a file is read, and be it as one of a virtual host."""
    bare = next((name.removesuffix(f".{host}") for host in virtual_hosts if name.endswith(f".{host}")), name)
    is_known = bare in _FILES or name.startswith(_VIRTUAL_HOST) or bare.startswith("maildroprcs/")
    return is_known or _is_table(bare.partition("/")[0].removesuffix(".dat"), tables)


def virtual_hosts(names: Collection[str]) -> list[str]:
    """The virtual hosts that files declare."""
    return [name.removeprefix(_VIRTUAL_HOST) for name in names if name.startswith(_VIRTUAL_HOST)]


def _is_table(name: str, tables: Collection[str]) -> bool:
    return name in tables or _TABLE.fullmatch(name) is not None
