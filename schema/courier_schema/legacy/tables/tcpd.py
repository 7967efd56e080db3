"""Settings of couriertcpd, the listener of every service: where it listens and how many it serves."""

from typing import Annotated

from courier_schema.legacy.codecs import Address, OptionsCodec, PlainPath, Ports, Positive
from courier_schema.legacy.table import Absent, Since, Table

ListenerOptions = Annotated[
    tuple[str, ...],
    OptionsCodec(
        (
            "-access", "-accesslocal", "-address", "-allow", "-block", "-denymsg", "-drop", "-group", "-haproxy",
            "-listen", "-maxperc", "-maxperip", "-maxprocs", "-nodnslookup", "-noidentlookup", "-pid", "-stderr",
            "-stderrlogger", "-stderrloggername", "-user", "-warn",
        )
    ),
]  # fmt: skip
LoggerOptions = Annotated[
    tuple[str, ...],
    OptionsCodec(("-name", "-facility", "-user", "-group", "-droproot", "-respawn"), quoting=False),
]


class Limits(Table):
    """How many connections are served at a time."""

    maxdaemons: Positive = 40
    """Connections that the listener serves at a time."""
    maxperip: Positive = 5
    """Connections that one address may hold at a time; MAXCPERIP in the access file says otherwise for some."""


class BlockLimits(Limits):
    """The limits of SMTP listeners, which also count neighbours together."""

    maxperc: Positive = 5
    """Connections that the addresses of one block of 256 may hold at a time."""


class Listener(Table):
    """Where the clear-text listener listens."""

    address: Annotated[Address, Absent("every address")] | None = "0"
    """Address for ports that name none; 0 for all of them."""
    port: Ports = ()
    """Ports to listen on, each with an address and a dot before it where needed."""
    pidfile: PlainPath = ""
    """File with the listener's process id, by which its script stops it."""


class ListenerExtras(Table):
    """Further words on the listener's command line."""

    tcpdopts: Annotated[ListenerOptions, Absent("no further options")] | None = ("-nodnslookup",)
    """Further couriertcpd options; an unknown one keeps the listener from starting."""


class TlsListener(Table):
    """Where the listener listens whose connections begin with TLS."""

    sslport: Ports = ()
    """Ports whose connections begin with TLS."""
    ssladdress: Address = "0"
    """Address for TLS ports that name none; 0 for all of them."""
    sslpidfile: PlainPath = ""
    """File with the TLS listener's process id; it has to differ from the clear-text listener's."""


class TlsLogger(Table):
    """How the TLS listener of a mailbox server logs."""

    sslloggeropts: Annotated[LoggerOptions, Absent("the logger's defaults"), Since("0.51")] | None = None
    """Options of the logger that carries the TLS listener's messages to syslog."""


class Logger(Table):
    """How a daemon logs."""

    loggeropts: Annotated[LoggerOptions, Absent("the logger's defaults"), Since("0.51")] | None = None
    """Options of the logger that carries the daemon's messages to syslog."""
