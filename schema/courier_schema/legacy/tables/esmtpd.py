"""The file esmtpd: the SMTP listener on port 25, and what its two companions begin with."""

from typing import Annotated, Final, Literal

from courier_schema.legacy.codecs import (
    Address,
    Colons,
    Flag,
    Kibibytes,
    OptionsCodec,
    Path,
    PlainPath,
    Ports,
    Positive,
    Text,
    TextCodec,
    WordsCodec,
    YesNo,
)
from courier_schema.legacy.table import Absent, Internal, Since, Table, Unserved
from courier_schema.legacy.tables.tcpd import BlockLimits, Listener, ListenerOptions
from courier_schema.legacy.tables.tls import Server

CHALLENGES: Final = ("CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256")
Mechanisms = Annotated[tuple[str, ...], WordsCodec(words=("PLAIN", "LOGIN", *CHALLENGES))]
BlockLists = Annotated[tuple[str, ...], OptionsCodec(("-block", "-allow"))]
Drop = Annotated[tuple[str, ...], OptionsCodec(("-drop",))]
SystemName = Annotated[
    str,
    TextCodec(r"[A-Za-z_][\w.-]*\$?|\$\{\w+\}", "write the name as the system spells it", noun="a user or group"),
]

NO_PROCESS: Final = "a listener is no process of its own"
_NO_PROGRAMS: Final = "listeners start no programs"
_OWNER: Final = "the whole server runs as the user and group of the compiled tree, or as courier"


class Session(Table):
    """What every SMTP listener asks of a session, and what it does to mail."""

    bofhcheckdns: Annotated[Flag, Absent("off")] | None = True
    """Refuse a return address whose domain has neither mail servers nor addresses; badmx needs this on."""
    noaddmsgid: Annotated[Flag, Absent("off")] | None = True
    """Leave a message without Message-ID as it is, instead of adding one."""
    noadddate: Annotated[Flag, Absent("off")] | None = True
    """Leave a message without Date as it is, instead of adding one."""
    noaddrrewrite: Annotated[Literal["0", "1", "2"], Absent("0"), Since("0.70")] | None = "0"
    """Rewrite addresses in From, To and Cc: always (0), never (1), or unless the message is DKIM-signed (2)."""
    esmtp_log_dialog: Annotated[Flag, Absent("off"), Since("0.45.5")] | None = False
    """Log each command that a client sends."""
    auth_required: Annotated[Flag, Absent("off"), Since("0.31")] | None = False
    """Take mail from authenticated clients only; a server for mail from the Internet leaves this off."""
    syslogname: Annotated[Text, Absent("courieresmtpd"), Since("0.73.1")] | None = None
    """Name under which the server writes to syslog."""


class Manners(Table):
    """Commands and patience that a listener grants to strangers."""

    bofhnoexpn: Annotated[Flag, Absent("off")] | None = False
    """Switch the EXPN command off."""
    bofhnovrfy: Annotated[Flag, Absent("off")] | None = False
    """Switch the VRFY command off."""
    tarpit: Annotated[Flag, Absent("off")] | None = True
    """Answer ever more slowly, from 8 up to 128 seconds, while a client keeps earning permanent errors."""


class Access(Table):
    """Whom a listener lets in."""

    blacklists: Annotated[BlockLists, Absent("no list is asked")] | None = ()
    """DNS lists to ask about a client, lists of friends first: -allow=zone and -block=zone[,variable]."""
    accessfile: Annotated[PlainPath, Absent("no access list, so nobody may relay")] | None = "${sysconfdir}/smtpaccess"
    """Directory of the access list's sources; the compiled list has the same name and .dat."""


class Boot(Table):
    """Whether the boot scripts start the listener."""

    esmtpdstart: Annotated[YesNo, Absent("NO")] | None = False
    """Start the listener when the system starts; systemd units do not ask."""


class Esmtpd(Session, Manners, Access, BlockLimits, Listener, Server, Boot, file="esmtpd"):
    """The listener on port 25."""

    path: Annotated[Colons, Absent("no search path"), Unserved(_NO_PROGRAMS)] | None = ("${shellpath}",)
    """Directories that are searched for programs."""
    shell: Annotated[Path, Absent("/bin/sh"), Unserved(_NO_PROGRAMS)] | None = "${shell}"
    """Shell that runs commands."""
    ulimit: Annotated[Kibibytes, Absent("no limit"), Unserved("many sessions share a process")] | None = 65536
    """Data segment that one SMTP session may use."""
    esmtp_tls_required: Annotated[Flag, Absent("off")] | None = None
    """Take no mail before STARTTLS; when TLS is not usable, every client is turned away."""
    tls_certfile: Annotated[Path, Absent("STARTTLS is not offered")] | None = "${certsdir}/esmtpd.pem"
    tls_private_keyfile: Path | None = None
    tls_min_dh_bits: Annotated[Positive, Unserved("OpenSSL's level of security sets the limit")] | None = None
    tls_dhparams: Path | None = "${certsdir}/dhparams.pem"
    mailuser: Annotated[SystemName, Unserved(_OWNER)] = "${mailuser}"
    """User that the listener and its sessions run as; without it they run as root."""
    mailgroup: Annotated[SystemName, Unserved(_OWNER)] = "${mailgroup}"
    """Group that the listener and its sessions run as."""
    address: Address | None = None
    port: Ports = ("smtp",)
    pidfile: Annotated[PlainPath, Unserved(NO_PROCESS)] = "${piddir}/esmtpd.pid"
    allow_exclusive: Annotated[Flag, Absent("off"), Since("0.71")] | None = None
    """Rename Authentication-Results headers that a message brings along, so that only ours bear the name."""
    drop: Annotated[Drop, Absent("blocked clients are refused recipient by recipient"), Since("0.63.0")] | None = None
    """Hang up on blocked clients at once: -drop, or -drop=VARIABLE for another list's variable than BLOCK."""
    tcpdopts: Annotated[ListenerOptions, Absent("no further options")] | None = ("-stderrlogger=${courierlogger}",)
    """Further couriertcpd options; an unknown one keeps the listener from starting."""
    esmtpauth: Annotated[Mechanisms, Absent("nobody can authenticate")] | None = ()
    """SASL mechanisms offered to clients; also under TLS while ESMTPAUTH_TLS is empty."""
    esmtpauth_webadmin: Annotated[Mechanisms, Internal()] | None = ("LOGIN", *CHALLENGES)
    """Mechanisms that the web administration offers to choose from."""
    esmtpauth_tls: Annotated[Mechanisms, Absent("ESMTPAUTH applies")] | None = ()
    """SASL mechanisms offered under TLS in place of ESMTPAUTH."""
    esmtpauth_tls_webadmin: Annotated[Mechanisms, Internal()] | None = ("PLAIN", "LOGIN", *CHALLENGES)
    """Mechanisms under TLS that the web administration offers to choose from."""
