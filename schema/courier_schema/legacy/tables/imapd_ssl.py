"""The file imapd-ssl: the IMAP listener with TLS from the start, and TLS of every IMAP connection."""

from typing import Annotated

from courier_schema.legacy.codecs import Flag, Path, PlainPath, Ports, Text, YesNo
from courier_schema.legacy.table import Absent, Since
from courier_schema.legacy.tables.account import MailboxPath
from courier_schema.legacy.tables.imapd import Imapd
from courier_schema.legacy.tables.tcpd import LoggerOptions, TlsListener, TlsLogger
from courier_schema.legacy.tables.tls import MailboxServer


class ImapdSsl(TlsListener, TlsLogger, MailboxServer, MailboxPath, file="imapd-ssl", overlays=Imapd):
    """The listener on port 993, and TLS on every port."""

    sslport: Ports = ("993",)
    sslpidfile: PlainPath = "${piddir}/imapd-ssl.pid"
    sslloggeropts: Annotated[LoggerOptions, Absent("the logger's defaults")] | None = ("-name=imapd-ssl",)
    tls_certfile: Annotated[Path, Absent("TLS fails")] | None = "${certsdir}/imapd.pem"
    tls_cachefile: Path | None = "${localstatedir}/couriersslimapcache"
    tls_alpn: Annotated[Text, Since("1.1.0")] | None = "imap"
    maildirpath: Annotated[PlainPath, Since("0.46.0")] = "Maildir"
    imapdsslstart: Annotated[YesNo, Absent("NO")] | None = False
    """Start the TLS listener when the system starts; systemd units do not ask."""
    imapdstarttls: Annotated[YesNo, Absent("NO")] | None = True
    """Offer STARTTLS on the clear-text listener."""
    imap_tls_required: Annotated[Flag, Absent("off")] | None = False
    """Refuse logins on the clear-text listener before STARTTLS."""
