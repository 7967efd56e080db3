"""Settings about accounts that several services share: login names, homes, maildirs and proxies."""

from typing import Annotated

from courier_schema.legacy.codecs import Path, PlainPath, TextCodec
from courier_schema.legacy.table import Absent, Since, Table

HostName = Annotated[
    str,
    TextCodec(r"[A-Za-z0-9_]([\w.-]*[A-Za-z0-9_])?", "write letters, digits, dots and hyphens", noun="a host name"),
]
LoginSuffix = Annotated[
    str,
    TextCodec(r"[^\sA-Za-z0-9][^\s]+", "begin with the separator, as in @example.com", noun="a login suffix"),
]
ServiceName = Annotated[
    str, TextCodec(r"[A-Za-z][\w-]*", "write one word of letters and digits", noun="a service name")
]


class HomeSkeleton(Table):
    """Homes that are made when first needed."""

    auth_mkhomedir_skel: Annotated[Path, Absent("a missing home stays missing"), Since("0.75.0")] | None = None
    """Directory, a maildir inside, that is copied to make an account's home when that does not exist yet."""


class MailboxPath(Table):
    """Where an account's mail lies."""

    maildirpath: Annotated[PlainPath, Since("0.45")] = "Maildir"
    """Maildir of accounts that name no other, seen from their home."""


class MailboxLogin(Table):
    """How mailbox servers complete a login name and find the server that holds the mailbox."""

    defdomain: Annotated[LoginSuffix, Absent("nothing is appended")] | None = None
    """Separator and domain that complete a login name without domain."""
    proxy_hostname: Annotated[HostName, Absent("the system's host name"), Since("0.50")] | None = None
    """Name under which this server finds itself in an account's mailhost option, and then does not forward."""
