"""The file sqwebmaild: the webmail daemon."""

from typing import Annotated, Literal

from courier_schema.legacy.codecs import Count, PlainPath, Text
from courier_schema.legacy.table import Absent, Since
from courier_schema.legacy.tables.account import HomeSkeleton, MailboxPath
from courier_schema.legacy.tables.authldap import Filter
from courier_schema.legacy.tables.tcpd import Logger, LoggerOptions


class Sqwebmaild(HomeSkeleton, Logger, MailboxPath, file="sqwebmaild"):
    """The webmail daemon."""

    pidfile: PlainPath = "${piddir}/sqwebmaild.pid"
    """File with the daemon's process id; the calendar daemon appends .pcp to the name."""
    debug_login: Annotated[Literal["0", "1", "2"], Absent("0")] | None = "0"
    """Log how logins are decided: not (0), the steps (1), or the steps with passwords in clear text (2)."""
    sqwebmail_prefork: Annotated[Count, Absent("5")] | None = None
    """Processes that wait for requests; 0 for none in advance."""
    loggeropts: Annotated[LoggerOptions, Absent("the logger's defaults")] | None = ()
    ldap_search_filter_exact: Annotated[Filter, Absent("(|(uid=@)(sn=@)(cn=@))")] | None = None
    """First filter for a search in an LDAP address book; @ stands for what is searched."""
    ldap_search_filter_approx: Annotated[Filter, Absent("(|(uid=@*)(sn=@*)(mail=@*)(cn=@*))")] | None = None
    """Filter for a second search when the first finds nothing."""
    sendmail_arguments: Annotated[Text, Absent('$DSN -f "$1"'), Since("1.5.0")] | None = '$DSN -f "$1"'
    """Arguments of sendmail, evaluated by the sending script: $DSN is the notice request, $1 the sender."""
