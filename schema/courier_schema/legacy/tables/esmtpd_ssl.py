"""The file esmtpd-ssl: the SMTP listener whose connections begin with TLS; esmtpd is read before it."""

from typing import Annotated

from courier_schema.legacy.codecs import Path, PlainPath, Ports, YesNo
from courier_schema.legacy.table import Absent, Since, Unserved
from courier_schema.legacy.tables.esmtpd import NO_PROCESS, Esmtpd
from courier_schema.legacy.tables.prefixes import Prefixes
from courier_schema.legacy.tables.tcpd import TlsListener


class EsmtpdSsl(Esmtpd, TlsListener, Prefixes, file="esmtpd-ssl", overlays=Esmtpd):
    """The listener on port 465. Every setting of esmtpd may be said anew here."""

    sslport: Ports = ("465",)
    sslpidfile: Annotated[PlainPath, Unserved(NO_PROCESS)] = "${piddir}/esmtpd-ssl.pid"
    tls_private_keyfile: Annotated[Path, Since("1.0.1")] | None = None
    esmtpdsslstart: Annotated[YesNo, Absent("NO")] | None = False
    """Start the TLS listener when the system starts; systemd units do not ask."""
