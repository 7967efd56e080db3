"""The file esmtpd-msa: where the submission listener on port 587 differs from esmtpd, which is read before it."""

from courier_schema.legacy.codecs import Address, Flag, PlainPath, Ports
from courier_schema.legacy.tables.esmtpd import Esmtpd


class EsmtpdMsa(Esmtpd, file="esmtpd-msa", overlays=Esmtpd):
    """The submission listener. Every setting of esmtpd may be said anew here."""

    noaddmsgid: Flag | None = False
    noadddate: Flag | None = False
    address: Address | None = "0"
    port: Ports = ("587",)
    pidfile: PlainPath = "${piddir}/esmtpd-msa.pid"
