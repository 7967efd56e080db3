"""The file pop3d: the POP3 listener and server."""

from typing import Annotated, Literal

from courier_schema.legacy.codecs import Flag, PlainPath, Ports, Positive, YesNo
from courier_schema.legacy.table import Absent, Internal, Since
from courier_schema.legacy.tables.account import HomeSkeleton, MailboxLogin, MailboxPath, ServiceName
from courier_schema.legacy.tables.esmtpd import CHALLENGES, Mechanisms
from courier_schema.legacy.tables.tcpd import Limits, Listener, ListenerExtras, Logger, LoggerOptions


class Pop3d(Listener, Limits, ListenerExtras, Logger, MailboxLogin, MailboxPath, HomeSkeleton, file="pop3d"):
    """The listener on port 110, and POP3 on every port."""

    port: Ports = ("110",)
    pidfile: PlainPath = "${piddir}/pop3d.pid"
    maxperip: Positive = 4
    loggeropts: Annotated[LoggerOptions, Absent("the logger's defaults")] | None = ("-name=pop3d",)
    authservice110: Annotated[ServiceName, Absent("pop3"), Since("0.67")] | None = None
    """Service name that logins on port 110 give to PAM and its like."""
    authservice995: Annotated[ServiceName, Absent("pop3"), Since("0.67")] | None = None
    """Service name that logins on port 995 give to PAM and its like."""
    pop3auth: Annotated[Mechanisms, Absent("none")] | None = ()
    """SASL mechanisms offered in clear text."""
    pop3auth_orig: Annotated[Mechanisms, Internal()] | None = ("PLAIN", "LOGIN", *CHALLENGES)
    """Mechanisms that the web administration offers to choose from."""
    pop3auth_tls: Annotated[Mechanisms, Absent("POP3AUTH applies")] | None = ()
    """SASL mechanisms offered under TLS in place of POP3AUTH."""
    pop3auth_tls_orig: Annotated[Mechanisms, Internal()] | None = ("LOGIN", "PLAIN")
    """Mechanisms under TLS that the web administration offers to choose from."""
    pop3_proxy: Annotated[Flag, Absent("off")] | None = False
    """Forward a login to the server that its account's mailhost option names."""
    pop3_log_deletions: Annotated[Flag, Absent("off")] | None = None
    """Log every message that is removed."""
    mime_unicode_message_type: (
        Annotated[Literal["message/global", "message/rfc822"], Absent("message/global"), Since("1.0.7")] | None
    ) = "message/global"
    """Media type in which a message with UTF-8 headers is wrapped for a client that did not ask for UTF8."""
    pop3dstart: Annotated[YesNo, Absent("NO")] | None = False
    """Start the listener when the system starts; systemd units do not ask."""
