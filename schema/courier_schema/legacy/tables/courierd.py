"""The file courierd: the queue daemon, everything it starts, and the SMTP client."""

from typing import Annotated

from courier_schema.legacy.codecs import (
    Address,
    Colons,
    Flag,
    Include,
    Path,
    Positive,
    Text,
    TextCodec,
    WordsCodec,
)
from courier_schema.legacy.table import Absent, Since, Table, Unserved
from courier_schema.legacy.tables.account import HomeSkeleton
from courier_schema.legacy.tables.prefixes import Prefixes
from courier_schema.legacy.tables.tls import Certificate, Negotiation, PrivateKey, Trust

Notifications = Annotated[tuple[str, ...], WordsCodec(",", ("N", "S", "F", "D"), blanks=True)]
MailSources = Annotated[tuple[str, ...], WordsCodec(",", ("smtp/dsn", "authsmtp/dsn"))]
UuxFlags = Annotated[
    tuple[str, ...],
    WordsCodec(pattern=r"-[gjr]\w*|\w", noun="a uux flag", remedy="write -g with a grade, -j or -r"),
]
Mailbox = Annotated[
    str, TextCodec(r"(\./|/)\S.*", "begin it with ./ for the home directory or with /", noun="a mailbox")
]


Instructions = Annotated[
    str,
    TextCodec(
        r"[^#\n]+(\n[^#\n][^\n]*)*",
        "write one instruction a line, without comments and blank lines",
        lines=True,
        noun="a list of delivery instructions",
    ),
]


class Locale(Table):
    """Language and character set of an environment that begins empty."""

    syslocale_line: (
        Annotated[Include, Absent("locale C"), Since("0.64.0"), Unserved("nothing that it says depends on a locale")]
        | None
    ) = "${init_locale}"
    """Line that reads the system's locale into the environment; it stands in the file without this name."""
    lang: Annotated[Text, Absent("the system's locale, else C")] | None = None
    """Locale of the whole mail system, in place of the system's own."""


class Client(Table):
    """How mail leaves by SMTP."""

    esmtp_cork: (
        Annotated[Flag, Absent("off"), Unserved("a message leaves in writes of up to 64 KiB, and none is held back")]
        | None
    ) = True
    """Fill packets before they are sent, on Linux and outside TLS."""
    esmtp_blockbackscatter: Annotated[MailSources, Absent("all bounces are sent"), Since("0.49")] | None = ("smtp/dsn",)
    """Bounces that are dropped instead of being sent to other servers, by where the bounced mail came from."""
    esmtp_use_starttls: Annotated[Flag, Absent("off: mail leaves in clear text")] | None = True
    """Turn to TLS with servers that offer it."""
    esmtp_tls_verify_domain: Annotated[Flag, Absent("off, unless a server's MTA-STS policy asks")] | None = False
    """Deliver only to servers whose certificate bears their name."""
    esmtp_prefer_ipv6_mx: Annotated[Flag, Absent("off"), Since("0.75.0")] | None = True
    """Look for a mail server's IPv6 addresses before its IPv4 addresses."""
    couriertls: Annotated[Path, Absent("mail leaves in clear text")] | None = "${bindir}/couriertls"
    """Program that speaks TLS for the SMTP client."""
    source_address: Annotated[Address, Absent("the system chooses")] | None = None
    """IPv4 address that outgoing connections come from; the control file ipout has superseded it."""
    source_address_ipv6: Annotated[Address, Absent("the system chooses"), Since("0.65.1")] | None = None
    """IPv6 address that outgoing connections come from; the control file ip6out has superseded it."""


class ClientTls(Negotiation, Certificate, PrivateKey, Trust):
    """TLS of the SMTP client."""

    tls_min_dh_bits: Annotated[Positive, Unserved("OpenSSL's level of security sets the limit")] | None = None
    tls_certfile: Annotated[Path, Absent("no certificate is shown")] | None = None
    """PEM file with the certificate for relays that ask for one."""
    tls_private_keyfile: Annotated[Path, Since("1.0.1")] | None = None
    tls_trustcerts: Annotated[Path, Absent("no verification and no MTA-STS")] | None = "${cacerts}"
    tls_trustsecuritycerts: Annotated[Path, Absent("SECURITY routes fail")] | None = None
    """Authorities of the private network that routes with SECURITY=STARTTLS belong to."""


class Courierd(Locale, Client, ClientTls, HomeSkeleton, Prefixes, file="courierd"):
    """The queue daemon and what it starts."""

    auth_mkhomedir_skel: Annotated[Path, Unserved("homes are made by whoever makes accounts")] | None = None
    path: Annotated[Colons, Absent("a short built-in path for delivery commands")] | None = ("${shellpath}",)
    """Directories that are searched for programs, delivery commands included."""
    shell: Annotated[Path, Absent("/bin/sh")] | None = "${shell}"
    """Shell that runs modules and delivery commands."""
    dsnnotify: Annotated[Notifications, Absent("as the sender asked")] | None = None
    """Notices about mail that accounts forward: N never, or any of S success, F failure and D delay."""
    dsntoauthaddr: Annotated[Flag, Absent("on"), Since("0.52.2")] | None = False
    """Send bounces of authenticated mail to the login name, not to the return address that was claimed."""
    dynamicdeliveries: Annotated[Flag, Absent("on")] | None = True
    """Let delivery commands print further delivery instructions."""
    defaultdelivery: Annotated[Instructions, Absent("./Maildir")] | None = "./Maildir"
    """Delivery instructions, one per line, for accounts without a .courier file."""
    maildropdefault: Annotated[Mailbox, Absent("./Maildir"), Since("0.34")] | None = "./Maildir"
    """Mailbox where maildrop leaves what its rules do not place."""
    uuxflags: Annotated[UuxFlags, Absent("no flags")] | None = ("-j", "-g", "C")
    """Flags for uux when mail leaves by UUCP."""
    archivedir: Annotated[Path, Absent("nothing is archived"), Since("0.36.1")] | None = None
    """Directory, on the queue's file system, that gets a copy of every message, in one sub-directory per day."""
