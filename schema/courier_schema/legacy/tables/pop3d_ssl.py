"""The file pop3d-ssl: the POP3 listener with TLS from the start, and TLS of every POP3 connection."""

from typing import Annotated

from courier_schema.legacy.codecs import Flag, Path, PlainPath, Ports, Text, YesNo
from courier_schema.legacy.table import Absent, Since
from courier_schema.legacy.tables.account import MailboxPath
from courier_schema.legacy.tables.pop3d import Pop3d
from courier_schema.legacy.tables.tcpd import LoggerOptions, TlsListener, TlsLogger
from courier_schema.legacy.tables.tls import MailboxServer


class Pop3dSsl(TlsListener, TlsLogger, MailboxServer, MailboxPath, file="pop3d-ssl", overlays=Pop3d):
    """The listener on port 995, and TLS on every port."""

    sslport: Ports = ("995",)
    sslpidfile: PlainPath = "${piddir}/pop3d-ssl.pid"
    sslloggeropts: Annotated[LoggerOptions, Absent("the logger's defaults")] | None = ("-name=pop3d-ssl",)
    tls_certfile: Annotated[Path, Absent("TLS fails")] | None = "${certsdir}/pop3d.pem"
    tls_cachefile: Path | None = "${localstatedir}/couriersslpop3cache"
    tls_alpn: Annotated[Text, Since("1.1.0")] | None = "pop3"
    maildirpath: Annotated[PlainPath, Since("0.46.0")] = "Maildir"
    pop3dsslstart: Annotated[YesNo, Absent("NO")] | None = False
    """Start the TLS listener when the system starts; systemd units do not ask."""
    pop3_starttls: Annotated[YesNo, Absent("NO")] | None = True
    """Offer STLS on the clear-text listener."""
    pop3_tls_required: Annotated[Flag, Absent("off")] | None = False
    """Refuse logins on the clear-text listener before STLS."""
